import {readEventTriggers, triggerInWords} from '../../catalog/event-triggers.js'
import {ident, sql} from '../../db/sql.js'
import type {Server} from '../../db/server.js'
import type {Check} from '../check.js'
import type {Finding, Fix} from '../finding.js'
import {advice, objectOf, sqlFix} from '../shared.js'

/** Without it no report can say which statements take the time. */
const statements: Check = {
  id: 'settings.pg_stat_statements',
  passes: 'The extension pg_stat_statements counts the statements of this database.',
  problem: 'statements are not counted',
  about: 'database',
  applies: ({embedded}) => !embedded,
  run: async ({server}) => {
    const preloaded = server.preloaded?.includes('pg_stat_statements') ?? null
    if (server.pgStatStatements !== null && preloaded !== false) return []
    return [
      {
        severity: 'warning',
        object: null,
        message:
          preloaded === false
            ? 'pg_stat_statements is not in shared_preload_libraries: which statements take the time is not known.'
            : 'The extension pg_stat_statements is not in this database: which statements take the time is not known.',
        data: {extension: server.pgStatStatements, preloaded},
        fix: statementsFix(server, preloaded),
      },
    ]
  },
}

function statementsFix({pgStatStatements}: Server, preloaded: boolean | null): Fix {
  const create = 'create extension pg_stat_statements'
  if (preloaded !== false) return sqlFix(create)
  const then = pgStatStatements === null ? `, then: ${create}` : ''
  return advice(`Add pg_stat_statements to shared_preload_libraries and restart the server${then}`)
}

/** A superuser passes every check of rights, and a SQL job of the configuration then runs with all of them. */
const superuserDaemon: Check = {
  id: 'settings.superuser_daemon',
  passes: 'No daemon of this database is connected as a superuser.',
  problem: 'a daemon that is connected as a superuser',
  about: 'database',
  run: async ({ask}) =>
    (await ask<{role: string; sessions: number}>('superuser-daemons')).map(
      ({role, sessions}): Finding => ({
        severity: 'warning',
        object: null,
        message: `A daemon is connected as the superuser ${role}: its SQL jobs may do anything on this server.`,
        data: {role, sessions},
        fix: advice('Give the daemon a role of its own that owns the tables; docs/daemon.md has the grants'),
      }),
    ),
}

const rowSecurity: Check = {
  id: 'settings.row_security',
  passes: 'Row-level security hides no rows from this role.',
  problem: 'tables whose row-level security hides rows from this role',
  about: 'tables',
  run: async ({ask, snapshot, server}) => {
    const {tables} = await snapshot()
    const rows = await ask<{root: number}>('row-security', [tables.map(({relation}) => relation)])
    return rows.map(
      ({root}): Finding => ({
        severity: 'warning',
        object: objectOf(tables.find(({relation}) => relation === root)!),
        message:
          `Row level security hides rows from the role ${server.role}. qicore-db reads with row_security off, so a ` +
          'count or a refresh that would leave out rows fails instead, and what it needs is unknown.',
        data: {role: server.role},
        fix: sqlFix(sql`alter role ${ident(server.role)} bypassrls`.text),
      }),
    )
  },
}

/** They run inside of our changes too, and an error of theirs ends the change. */
const eventTriggers: Check = {
  id: 'settings.event_triggers',
  passes: "No event trigger can make qicore-db's commands fail.",
  problem: 'event triggers that can make planned changes fail',
  about: 'database',
  run: async ({db}) =>
    (await readEventTriggers(db)).map(
      (trigger): Finding => ({
        severity: 'warning',
        object: null,
        message: `${triggerInWords(trigger, trigger.tags)}: an error in it ends a drop, a detach or a migration.`,
        data: {trigger: trigger.name, event: trigger.event, function: trigger.function, tags: trigger.tags},
        fix: advice(
          'Make its function pass the role that maintains the tables, or: ' +
            `${sql`alter event trigger ${ident(trigger.name)} disable`.text}`,
        ),
      }),
    ),
}

export const settingsChecks: readonly Check[] = [statements, superuserDaemon, rowSecurity, eventTriggers]
