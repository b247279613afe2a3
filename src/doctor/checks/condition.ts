import {createGateAgain} from '../../db/condition.js'
import type {Condition, ConditionCode} from '../../db/condition.js'
import type {Server} from '../../db/server.js'
import {ident, inline, sql} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding, Fix, Severity} from '../finding.js'
import {fromProblems} from './policies/problems.js'

interface FromCondition {
  id: Check['id']
  code: ConditionCode
  severity: Severity
  words: Pick<Check, 'passes' | 'problem'>
  /** `advice` unless the fix of the condition is complete SQL, or a command. */
  fix?(condition: Condition): Fix
}

/** States that the session has found when it opened. */
export function fromCondition({id, code, severity, words, fix}: FromCondition): Check {
  return {
    id,
    about: 'database',
    ...words,
    applies: ({engine}) => can(engine, 'hypertables'),
    run: async ({server}) =>
      server.condition
        .filter((one) => one.code === code)
        .map(
          (one): Finding => ({
            severity,
            object: null,
            message: one.message,
            data: {tables: one.tables},
            fix: fix?.(one) ?? {kind: 'advice', text: one.fix},
          }),
        ),
  }
}

const asSql = ({fix}: Condition): Fix => ({kind: 'sql', text: fix})

async function staleNames(context: CheckContext): Promise<Finding[]> {
  const [tables, chunks] = await Promise.all([
    context.ask<{schema: string; name: string}>('stale-hypertables'),
    context.server.chunkCatalog === 'names'
      ? context.ask<{schema: string; name: string; chunks: number}>('stale-chunks')
      : [],
  ])
  const fix: Fix = {
    kind: 'advice',
    text:
      'The table was renamed, moved or dropped while TimescaleDB was not loaded: give it its name back, or ' +
      'restore the catalog from a dump.',
  }
  return [
    ...tables.map(
      ({schema, name}): Finding => ({
        severity: 'critical',
        object: {schema, table: name},
        message:
          "TimescaleDB's catalog names this hypertable, and PostgreSQL has no table of that name: its policies fail.",
        data: {chunks: null},
        fix,
      }),
    ),
    ...chunks.map(
      ({schema, name, chunks: count}): Finding => ({
        severity: 'critical',
        object: {schema, table: name},
        message:
          `TimescaleDB's catalog names ${count} chunk${count === 1 ? '' : 's'} that PostgreSQL does not have: ` +
          `queries and policies that reach ${count === 1 ? 'it' : 'them'} fail.`,
        data: {chunks: count},
        fix,
      }),
    ),
  ]
}

async function readOnly(context: CheckContext): Promise<Finding[]> {
  const {server} = context
  if (server.inRecovery)
    return [
      {
        severity: 'warning',
        object: null,
        message: 'This server is a read-only replica: no policy and no job runs here.',
        data: {cause: 'replica'},
        fix: {kind: 'advice', text: 'Connect to the primary to change anything.'},
      },
    ]
  const [row] = await context.ask<{of_database: boolean; of_server: boolean}>('read-only')
  if (!row!.of_database && !row!.of_server) return []
  return [
    {
      severity: 'critical',
      object: null,
      message:
        'default_transaction_read_only is on for ' +
        `${row!.of_database ? `database ${server.database}` : 'the server'}: inserts and jobs of new sessions ` +
        'fail.',
      data: {cause: row!.of_database ? 'database' : 'server'},
      fix: row!.of_database
        ? {
            kind: 'sql',
            text: `alter database ${inline(sql`${ident(server.database)}`)} reset default_transaction_read_only`,
          }
        : {kind: 'sql', text: 'alter system reset default_transaction_read_only; select pg_reload_conf()'},
    },
  ]
}

/** Exported for a test: no test can install another version than the server has. */
export function updatePending({timescaledb, timescaledbAvailable, embedded}: Server): Finding[] {
  if (timescaledb === timescaledbAvailable || timescaledbAvailable === null || embedded) return []
  return [
    {
      severity: 'warning',
      object: null,
      message: `The server has TimescaleDB ${timescaledbAvailable}, and this database still has ${timescaledb}.`,
      data: {installed: timescaledb, available: timescaledbAvailable},
      fix: {
        kind: 'advice',
        text: 'As the first statement of a new session (psql -X): alter extension timescaledb update',
      },
    },
  ]
}

export const conditionChecks: readonly Check[] = [
  fromCondition({
    id: 'condition.restoring',
    code: 'restoring',
    severity: 'critical',
    words: {passes: 'The database is not in restore mode.', problem: 'database in restore mode'},
  }),
  fromCondition({
    id: 'condition.loader_disabled',
    code: 'loader_disabled',
    severity: 'critical',
    words: {
      passes: 'TimescaleDB may be loaded in this database.',
      problem: 'TimescaleDB is not loaded in this database',
    },
    fix: asSql,
  }),
  fromCondition({
    id: 'condition.library_not_loaded',
    code: 'library_not_loaded',
    severity: 'critical',
    words: {
      passes: 'The library of TimescaleDB is preloaded.',
      problem: 'the extension is installed, but its library is not preloaded',
    },
  }),
  fromCondition({
    id: 'condition.rows_in_root',
    code: 'rows_in_root',
    severity: 'critical',
    words: {passes: 'Every row of a hypertable is in a chunk.', problem: 'rows in the root of a hypertable'},
  }),
  fromCondition({
    id: 'condition.compressed_rows_hidden',
    code: 'compressed_rows_hidden',
    severity: 'critical',
    words: {passes: 'Clients see compressed rows.', problem: 'settings that hide compressed rows from clients'},
    fix: asSql,
  }),
  fromCondition({
    id: 'condition.gate_procedure_missing',
    code: 'gate_procedure_missing',
    severity: 'critical',
    words: {passes: 'The procedures of gated retentions exist.', problem: 'gated retentions whose procedure is gone'},
    fix: () => ({kind: 'command', text: createGateAgain()}),
  }),
  fromProblems({
    id: 'condition.not_a_hypertable',
    severity: 'critical',
    codes: ['not_a_hypertable'],
    words: {
      passes: 'Every table that is declared as a hypertable is one.',
      problem: 'tables that should be hypertables',
    },
  }),
  {
    id: 'condition.stale_names',
    about: 'database',
    passes: "Every table in TimescaleDB's catalog exists.",
    problem: "entries in TimescaleDB's catalog for tables that do not exist",
    applies: ({engine}) => can(engine, 'hypertables'),
    run: staleNames,
  },
  {
    id: 'condition.read_only',
    about: 'database',
    passes: 'The database can be written to.',
    problem: 'database that cannot be written to',
    run: readOnly,
  },
  {
    id: 'condition.update_pending',
    about: 'database',
    passes: 'The database has the version of TimescaleDB that the server has.',
    problem: 'an update of the extension is pending',
    applies: ({engine}) => can(engine, 'hypertables'),
    run: async ({server}) => updatePending(server),
  },
]
