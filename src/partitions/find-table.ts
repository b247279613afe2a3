import type {Database} from '../db/database.js'
import {parseQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {sql, statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'

interface Candidate {
  schema: string
  table: string
  relation: string
  partitioned: boolean
  partition_of: string | null
}

/**
 * The qualified name, quoted as in SQL, of the partitioned table with this name.
 * @throws OpsError BAD_NAME, NO_SUCH_TABLE, AMBIGUOUS, NOT_PARTITIONED
 */
export async function findPartitioned(db: Database, name: string): Promise<string> {
  const found = await candidates(db, name)
  const partitioned = found.filter((candidate) => candidate.partitioned)
  if (partitioned.length > 1)
    throw usageError('AMBIGUOUS', `"${name}" could be ${partitioned.map(({relation}) => relation).join(' or ')}.`, [
      'Give the name with its schema.',
    ])
  if (partitioned[0]) return partitioned[0].relation
  const [other] = found
  if (!other)
    throw usageError('NO_SUCH_TABLE', `There is no table "${name}" in this database.`, [
      `List the partitioned tables: ${command('partitions list')}`,
    ])
  throw await notPartitioned(db, other)
}

async function candidates(db: Database, text: string): Promise<Candidate[]> {
  const {schema, name} = parseQualifiedName(text)
  return db.query<Candidate>(statement(loadSql('partitions/candidates'), [schema, name]))
}

async function notPartitioned(db: Database, {schema, table, relation, partition_of: parent}: Candidate) {
  if (parent !== null)
    return usageError('NOT_PARTITIONED', `${relation} is itself a partition, of ${parent}.`, [
      `Give the name of the table: ${parent}.`,
    ])
  if (await isHypertable(db, schema, table))
    return usageError('NOT_PARTITIONED', `${relation} is a hypertable: TimescaleDB creates its chunks itself.`, [
      `Its chunks: ${command('stats chunks', [relation])}`,
    ])
  return usageError('NOT_PARTITIONED', `${relation} is not partitioned.`, [
    `List the partitioned tables: ${command('partitions list')}`,
  ])
}

async function isHypertable(db: Database, schema: string, table: string): Promise<boolean> {
  if (!can(db.server.engine, 'hypertables')) return false
  const rows = await db.query(
    sql`select from timescaledb_information.hypertables where hypertable_schema = ${schema} and hypertable_name = ${table}`,
  )
  return rows.length > 0
}
