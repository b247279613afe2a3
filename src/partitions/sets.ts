import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {OpsError, usageError} from '../errors.js'

/** A partitioned table in the catalog; `relation` and other names of tables are qualified and quoted as in SQL. */
export interface PartitionSet {
  relation: string
  schema: string
  table: string
  /** The column of the partition key; null for an expression. */
  column: string | null
  type: string | null
  /** Why its partitions are not time ranges; null if they are. */
  unfit: string | null
  owner: string
  mayChange: boolean
  /** The owner may create tables in the schema, so partitions can be created as the owner. */
  ownerCreates: boolean
  tablespace: string | null
  accessMethod: string | null
  partitions: number
  subpartitioned: boolean
  defaultPartition: string | null
  /** Null if another session has locked it ACCESS EXCLUSIVE. */
  defaultBytes: number | null
  /** The default partition has a constraint that a killed run of qicore-db left. */
  guarded: boolean
  /** Partitions whose detach was begun and not finished. */
  pending: string[]
  /** Tables that are connected by foreign keys: attaching and dropping lock them too. */
  related: string[]
  /** Another tool that manages it. */
  managedBy: 'pg_partman' | null
}

interface SetRow {
  relation: string
  schema: string
  table: string
  strategy: string
  columns: number
  column: string | null
  type: string | null
  owner: string
  may_change: boolean
  owner_creates: boolean
  tablespace: string | null
  access_method: string | null
  partitions: number
  subpartitioned: boolean
  default_partition: string | null
  default_bytes: number | null
  guarded: boolean
  pending: string[]
  related: string[]
  partman_schema: string | null
}

/** @param relations null means every partitioned table of the database */
export async function readSets(db: Database, relations: readonly string[] | null): Promise<PartitionSet[]> {
  const rows = await db.query<SetRow>(
    statement(loadSql('partitions/facts'), [relations, db.target.role ?? db.server.role]),
  )
  const managed = await partmanTables(db, rows[0]?.partman_schema ?? null)
  return rows.map((row) => ({
    relation: row.relation,
    schema: row.schema,
    table: row.table,
    column: row.column,
    type: row.type,
    unfit: unfitness(row),
    owner: row.owner,
    mayChange: row.may_change,
    ownerCreates: row.owner_creates,
    tablespace: row.tablespace,
    accessMethod: row.access_method,
    partitions: row.partitions,
    subpartitioned: row.subpartitioned,
    defaultPartition: row.default_partition,
    defaultBytes: row.default_bytes,
    guarded: row.guarded,
    pending: row.pending,
    related: row.related,
    managedBy: managed === 'unreadable' || managed.has(`${row.schema}.${row.table}`) ? 'pg_partman' : null,
  }))
}

const strategies: Record<string, string> = {l: 'list', h: 'hash', r: 'range'}
const timeTypes = new Set(['date', 'timestamp without time zone', 'timestamp with time zone'])

function unfitness({relation, strategy, columns, column, type}: SetRow): string | null {
  if (strategy !== 'r')
    return `${relation} is partitioned by ${strategies[strategy] ?? strategy}, not by range of time.`
  if (columns > 1) return `${relation} is partitioned by ${columns} columns together, not by time alone.`
  if (column === null) return `${relation} is partitioned by an expression, not by a column.`
  if (!timeTypes.has(type ?? ''))
    return `${relation} is partitioned by ${column} (${type}), which is not a date or timestamp.`
  return null
}

/** Tables in pg_partman's part_config, spelled as there; if it cannot be read, pg_partman may manage any set. */
async function partmanTables(db: Database, schema: string | null): Promise<Set<string> | 'unreadable'> {
  if (schema === null) return new Set()
  const [access] = await db.query<{readable: boolean | null}>(
    sql`select has_schema_privilege(${schema}, 'usage') and has_table_privilege(to_regclass(format('%I.part_config', ${schema}::text)), 'select') as readable`,
  )
  if (access?.readable === false) return 'unreadable'
  const rows = access?.readable
    ? await db.query<{parent_table: string}>(sql`select parent_table from ${ident(schema, 'part_config')}`)
    : []
  return new Set(rows.map((row) => row.parent_table))
}

/** Why a set must not be changed, the most important reason first; null if it may be. */
export function obstacleOf(set: PartitionSet): OpsError | null {
  if (set.unfit !== null)
    return usageError('PARTITION_KEY', set.unfit, [
      'Only tables that are partitioned by range of one date, timestamp or timestamptz column can be managed.',
    ])
  if (set.managedBy !== null)
    return usageError(
      'MANAGED_ELSEWHERE',
      `${set.relation} is managed by ${set.managedBy} (or its part_config cannot be read), so it is not changed here.`,
      ['To manage it here, remove it from part_config.'],
    )
  if (set.subpartitioned)
    return usageError(
      'PARTITION_KEY',
      `Partitions of ${set.relation} are partitioned themselves: such tables are listed, but never changed.`,
    )
  if (!set.mayChange)
    return new OpsError(
      'NO_PRIVILEGE',
      `${set.relation} belongs to ${set.owner}: only the owner can create, detach and drop partitions.`,
      {
        suggestions: [`Connect as ${set.owner} or a member of that role, or set it as \`role\` of the target.`],
      },
    )
  return null
}

/** A set that may be changed, by its qualified name. @throws OpsError NO_SUCH_TABLE or that of {@link obstacleOf} */
export async function changeableSet(db: Database, relation: string): Promise<PartitionSet> {
  const [set] = await readSets(db, [relation])
  if (!set) throw usageError('NO_SUCH_TABLE', `There is no table ${relation} any more.`)
  const reason = obstacleOf(set)
  if (reason) throw reason
  return set
}
