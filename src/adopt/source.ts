import type {Database} from '../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {sql, statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {OpsError, usageError} from '../errors.js'

/** The table that an adoption names. */
export interface Source {
  relation: string
  oid: number
  schema: string
  table: string
  kind: 'ordinary' | 'hypertable' | 'partitioned'
  owner: string
  filenode: number | null
  /** In bytes. */
  blockSize: number
  /** Blocks of the table itself; null if it is partitioned. */
  blocks: number | null
}

interface SourceRow extends Omit<Source, 'relation' | 'kind'> {
  kind: 'r' | 'p' | 'v' | 'm' | 'f'
  mayChange: boolean
  mayCreateSchemas: boolean
  ownerCreates: boolean
}

const words = {v: 'a view', m: 'a materialized view', f: 'a foreign table'} as const

/**
 * Finds the table and checks that the session may change it.
 * @throws OpsError BAD_NAME, NO_SUCH_TABLE, AMBIGUOUS, NOT_A_TABLE, NO_PRIVILEGE, UNSUPPORTED
 */
export async function findSource(db: Database, text: string): Promise<Source> {
  const {schema, name} = parseQualifiedName(text)
  const rows = await db.query<SourceRow>(
    statement(loadSql('adopt/source'), [schema, name, db.target.role ?? db.server.role]),
  )
  const [row] = rows
  if (row === undefined) throw usageError('NO_SUCH_TABLE', `There is no table "${text}" in this database.`)
  if (rows.length > 1)
    throw usageError('AMBIGUOUS', `More than one table is named ${text}.`, [
      `Use the name with its schema: ${rows.map((one) => formatQualifiedName(one.schema, one.table)).join(', ')}.`,
    ])
  const relation = formatQualifiedName(row.schema, row.table)
  if (row.kind !== 'r' && row.kind !== 'p')
    throw usageError('NOT_A_TABLE', `${relation} is ${words[row.kind]}, so it cannot be adopted.`)
  requireVersion(db)
  requireRights(db, relation, row)
  const {mayChange: _, mayCreateSchemas: __, ownerCreates: ___, kind, ...facts} = row
  const hypertable = kind === 'r' && (await isHypertable(db, row))
  return {...facts, relation, kind: hypertable ? 'hypertable' : ({r: 'ordinary', p: 'partitioned'} as const)[kind]}
}

function requireVersion({server: {postgres}}: Database): void {
  if (Number.parseInt(postgres, 10) < 15)
    throw usageError('UNSUPPORTED', `This server is PostgreSQL ${postgres}: adopting a table needs 15 or later.`)
}

function requireRights(db: Database, relation: string, row: SourceRow): void {
  const role = db.target.role ?? db.server.role
  const refuse = (message: string, suggestion: string) =>
    new OpsError('NO_PRIVILEGE', message, {suggestions: [suggestion]})
  if (!row.mayChange)
    throw refuse(
      `${relation} belongs to ${row.owner}: only its owner can adopt it.`,
      `Connect as ${row.owner} or a member of that role, or set it as \`role\` of the target.`,
    )
  if (!row.mayCreateSchemas)
    throw refuse(
      `${role} may not create schemas in this database, and the copy of ${relation} is built in a schema of its own.`,
      `Run as the database's owner: GRANT CREATE ON DATABASE ${db.server.database} TO ${role}`,
    )
  if (!row.ownerCreates)
    throw refuse(
      `${row.owner}, the owner of ${relation}, may not create tables in its schema, so the partitions cannot ` +
        'belong to it.',
      `Run as the schema's owner: GRANT CREATE ON SCHEMA ${row.schema} TO ${row.owner}`,
    )
}

async function isHypertable(db: Database, {schema, table}: SourceRow): Promise<boolean> {
  if (!can(db.server.engine, 'hypertables')) return false
  const rows = await db.query(
    sql`select from timescaledb_information.hypertables where hypertable_schema = ${schema} and hypertable_name = ${table}`,
  )
  return rows.length > 0
}
