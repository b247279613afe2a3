import {readTableRights, type TableRights} from '../../catalog/missing-privileges.js'
import {qicoreGrants, readMissingQicorePrivileges, type MissingPrivilege} from '../../run/qicore-privileges.js'
import {ident, sql} from '../../db/sql.js'
import type {Declared} from '../../policies/declared/declared.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding, Fix} from '../finding.js'
import {advice, objectOf, sqlFix} from '../shared.js'

/** The role that changes something: SET ROLE for each change if the target names one. */
const changingRole = ({db, server}: CheckContext) => db.target.role ?? server.role

const readQicore = (context: CheckContext) => readMissingQicorePrivileges(context.db, null)
const changeQicore = (context: CheckContext) => readMissingQicorePrivileges(context.db, changingRole(context))
const readTables = (context: CheckContext) =>
  readTableRights(context.db, context.request.declared, changingRole(context))

/** The findings of one kind of privileges on the qicore schema: one, with every grant. */
function qicoreFinding(missing: readonly MissingPrivilege[], role: string, consequence: string): Finding[] {
  if (missing.length === 0) return []
  const privileges = missing.map((each) => each.missing)
  return [
    {
      severity: 'warning',
      object: null,
      message: `The role ${role} lacks privileges on the schema qicore: ${privileges.join('; ')}. ${consequence}`,
      data: {role, missing: privileges},
      fix: sqlFix(qicoreGrants(missing)),
    },
  ]
}

async function readGrants(context: CheckContext): Promise<Finding[]> {
  const {server, once} = context
  const [qicore, tables] = await Promise.all([once(readQicore), once(readTables)])
  const statistics: Finding = {
    severity: 'warning',
    object: null,
    message:
      `The role ${server.role} does not have the privileges of pg_monitor: the queries, waits and kinds of other ` +
      'sessions, hidden settings and replication lag stay unknown.',
    data: {role: server.role, missing: ['pg_monitor']},
    fix: sqlFix(sql`grant pg_monitor to ${ident(server.role)}`.text),
  }
  return [
    ...tables.flatMap(({table, grants}) => (grants === null ? [] : [unreadable(table, grants, server.role)])),
    ...qicoreFinding(
      qicore.filter(({reads}) => reads),
      server.role,
      'Jobs, history and recorded sizes stay unknown.',
    ),
    ...(server.readsAllStats ? [] : [statistics]),
  ]
}

const unreadable = (table: Declared, grants: string, role: string): Finding => ({
  severity: 'warning',
  object: objectOf(table),
  message: `The role ${role} may not read it: its time range, its row counts and what is due stay unknown.`,
  data: {role, missing: ['select']},
  fix: sqlFix(grants),
})

/** Without the schema qicore, which records every change, the first change must create it. */
async function installGrant(context: CheckContext): Promise<Finding[]> {
  const {db, server} = context
  if (server.hasQicoreSchema) return []
  const role = changingRole(context)
  const [row] = await db.query<{may: boolean}>(
    sql`select has_database_privilege(${role}::name, current_database(), 'create') as may`,
  )
  if (row?.may) return []
  return [
    {
      severity: 'warning',
      object: null,
      message: `The schema qicore is not installed, and the role ${role} may not create it: it can make no change.`,
      data: {role, missing: ['create']},
      fix: sqlFix(sql`grant create on database ${ident(server.database)} to ${ident(role)}`.text),
    },
  ]
}

async function changeGrants(context: CheckContext): Promise<Finding[]> {
  const [qicore, tables, install] = await Promise.all([
    context.once(changeQicore),
    context.once(readTables),
    installGrant(context),
  ])
  const role = changingRole(context)
  return [
    ...install,
    ...tables.flatMap((rights) => (rights.acts ? [] : [notOwner(rights, role)])),
    ...qicoreFinding(
      qicore.filter(({reads}) => !reads),
      role,
      'It can run no job and record no change.',
    ),
  ]
}

function notOwner(rights: TableRights<Declared>, role: string): Finding {
  const {table, owner, member} = rights
  return {
    severity: 'warning',
    object: objectOf(table),
    message: member
      ? `The role ${role} is a member of its owner ${owner} and does not inherit its rights: its policies and ` +
        'chunks cannot be changed.'
      : `The role ${role} is not a member of its owner ${owner}: its policies and chunks cannot be changed.`,
    data: {role, owner, member},
    fix: ownerFix(rights, role),
  }
}

function ownerFix({table, owner, superuser, member}: TableRights<Declared>, role: string): Fix {
  if (member) return advice(`Set role: ${owner} for this target in the configuration`)
  // A member of a superuser's role may do everything on the server.
  if (superuser)
    return advice(
      table.section === 'tables'
        ? `${owner} is a superuser, so give the table to another role: ` +
            `${sql`alter table ${ident(table.schema, table.name)} owner to ${ident(role)}`.text}`
        : `${owner} is a superuser: make ${role}, or a role of which it is a member, the owner of the aggregate`,
    )
  return sqlFix(sql`grant ${ident(owner)} to ${ident(role)}`.text)
}

const check = (id: string, words: Pick<Check, 'passes' | 'problem'>, run: Check['run']): Check => ({
  id: `settings.${id}`,
  about: 'database',
  ...words,
  applies: ({embedded}) => !embedded,
  // A superuser passes every check of privileges.
  run: (context) =>
    context.server.superuser && context.db.target.role === undefined ? Promise.resolve([]) : run(context),
})

export const grantChecks: readonly Check[] = [
  check(
    'grants_read',
    {
      passes: 'This role may read the declared tables, the schema qicore and the statistics of the server.',
      problem: 'missing privileges to read',
    },
    readGrants,
  ),
  check(
    'grants_change',
    {
      passes: 'This role may change the declared tables, and use the schema qicore or create it.',
      problem: 'missing privileges to make changes',
    },
    changeGrants,
  ),
]
