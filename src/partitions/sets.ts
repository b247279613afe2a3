import type {Database} from '../db/database.js'
import {readDistributedTables} from '../catalog/citus-sizes.js'
import {loadSql} from '../db/load-sql.js'
import {parseQualifiedName} from '../db/qualified-name.js'
import {ident, sql, statement} from '../db/sql.js'
import {OpsError, usageError} from '../errors.js'
import {timeKeyOf, type TimeKey} from '../catalog/time-key.js'
import type {PartitionRule} from './periods.js'

/** A partitioned table in the catalog; `relation` and other names of tables are qualified and quoted as in SQL. */
export interface PartitionSet {
  relation: string
  schema: string
  table: string
  /** The table that it is a partition of: by list or hash, where its own partitions carry the time. */
  parent: string | null
  /** What is declared about it or about a table above it. */
  rule: PartitionRule | null
  /** The column of the partition key; null for an expression. */
  column: string | null
  type: string | null
  /** How its key stores time; null if its partitions are not time ranges. */
  key: TimeKey | null
  /** Why its partitions are not time ranges; null if they are. */
  unfit: string | null
  /** The sets below it that carry time, if it does not itself. */
  levels: string[]
  owner: string
  mayChange: boolean
  /** The owner may create tables in the schema, so partitions can be created as the owner. */
  ownerCreates: boolean
  tablespace: string | null
  accessMethod: string | null
  partitions: number
  subpartitioned: boolean
  /** Why partitions that are partitioned themselves cannot be created; null if they can. */
  belowUnfit: string | null
  defaultPartition: string | null
  /** Null if another session has locked it ACCESS EXCLUSIVE, or its rows are on the nodes of Citus. */
  defaultBytes: number | null
  /** The default partition has a constraint that a killed run of qicore-db left. */
  guarded: boolean
  /** Partitions whose detach was begun and not finished. */
  pending: string[]
  /** Tables that are connected by foreign keys: attaching and dropping lock them too. */
  related: string[]
  /** Citus keeps its rows in shards on its nodes. */
  distributed: boolean
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
  parent: string | null
  bytewise: boolean | null
  owner: string
  may_change: boolean
  owner_creates: boolean
  tablespace: string | null
  access_method: string | null
  partitions: number
  subpartitioned: boolean
  strategies: string[]
  default_partition: string | null
  default_bytes: number | null
  guarded: boolean
  pending: string[]
  related: string[]
  partman_schema: string | null
}

/**
 * Partitioned tables down to the level that carries time: a table that is partitioned by list, and the tables below it
 * that are partitioned by time, but not what is below those.
 * @param relations null means every partitioned table of the database
 */
export async function readSets(
  db: Database,
  relations: readonly string[] | null,
  rules: readonly PartitionRule[],
): Promise<PartitionSet[]> {
  const rows = await db.query<SetRow>(
    statement(loadSql('partitions/facts'), [relations, db.target.role ?? db.server.role]),
  )
  const distributed = new Set((await readDistributedTables(db)).map(({name}) => name))
  const managed = await partmanTables(db, rows[0]?.partman_schema ?? null)
  const byRelation = new Map(rows.map((row) => [row.relation, row]))
  const declared = new Map(rules.map((rule) => [nameKey(rule.relation), rule]))
  await declareNamed(db, relations ?? [], rows, declared)
  const ruleOf = (row: SetRow): PartitionRule | null => {
    const above = row.parent === null ? undefined : byRelation.get(row.parent)
    return declared.get(keyOfTable(row)) ?? (above === undefined ? null : ruleOf(above))
  }
  const sets = new Map(rows.map((row) => [row.relation, setOf(row, ruleOf(row), {managed, distributed})]))
  const isBelowTime = ({parent}: PartitionSet): boolean => {
    const above = parent === null ? undefined : sets.get(parent)
    return above !== undefined && (above.unfit === null || isBelowTime(above))
  }
  const shown = [...sets.values()].filter((set) => !isBelowTime(set))
  for (const set of shown.filter(({unfit}) => unfit === null))
    for (let above = sets.get(set.parent ?? ''); above !== undefined; above = sets.get(above.parent ?? ''))
      above.levels.push(set.relation)
  return shown
}

interface OtherKeepers {
  /** Tables that pg_partman manages. */
  managed: Set<string> | 'unreadable'
  /** Tables whose rows are on the nodes of Citus. */
  distributed: ReadonlySet<string>
}

/** A named table that is a partition itself has the rule of the nearest table above it. */
async function declareNamed(
  db: Database,
  relations: readonly string[],
  rows: readonly SetRow[],
  declared: Map<string, PartitionRule>,
): Promise<void> {
  const named = new Set(relations.map(nameKey))
  for (const row of rows.filter((each) => each.parent !== null && named.has(keyOfTable(each)))) {
    if (declared.size === 0 || declared.has(keyOfTable(row))) continue
    const above = (await readAbove(db, row.relation)).map((name) => declared.get(nameKey(name)))
    const rule = above.find((each) => each !== undefined)
    if (rule !== undefined) declared.set(keyOfTable(row), rule)
  }
}

/** The tables that a table is a partition of, the nearest first, by qualified name. */
export async function readAbove(db: Database, relation: string): Promise<string[]> {
  const rows = await db.query<{relation: string}>(statement(loadSql('partitions/above'), [relation]))
  return rows.map((row) => row.relation)
}

function setOf(row: SetRow, rule: PartitionRule | null, {managed, distributed}: OtherKeepers): PartitionSet {
  const fitness = fitnessOf(row, rule)
  return {
    relation: row.relation,
    schema: row.schema,
    table: row.table,
    parent: row.parent,
    rule,
    column: row.column,
    type: row.type,
    key: 'key' in fitness ? fitness.key : null,
    unfit: 'reason' in fitness ? fitness.reason : null,
    levels: [],
    owner: row.owner,
    mayChange: row.may_change,
    ownerCreates: row.owner_creates,
    tablespace: row.tablespace,
    accessMethod: row.access_method,
    partitions: row.partitions,
    subpartitioned: row.subpartitioned,
    belowUnfit: row.strategies.includes('r')
      ? `Partitions of ${row.relation} are partitioned by range themselves: the ranges of a new one are not known.`
      : null,
    defaultPartition: row.default_partition,
    // The relation of a distributed partition is empty here.
    defaultBytes: distributed.has(row.relation) ? null : row.default_bytes,
    guarded: row.guarded,
    pending: row.pending,
    related: row.related,
    distributed: distributed.has(row.relation),
    managedBy: managed === 'unreadable' || managed.has(`${row.schema}.${row.table}`) ? 'pg_partman' : null,
  }
}

const strategies: Record<string, string> = {l: 'list', h: 'hash', r: 'range'}

function fitnessOf(row: SetRow, rule: PartitionRule | null): {key: TimeKey} | {reason: string} {
  const {relation, strategy, columns, column, type, bytewise} = row
  if (strategy !== 'r')
    return {reason: `${relation} is partitioned by ${strategies[strategy] ?? strategy}, not by range of time.`}
  if (columns > 1) return {reason: `${relation} is partitioned by ${columns} columns together, not by time alone.`}
  if (column === null) return {reason: `${relation} is partitioned by an expression, not by a column.`}
  const found = timeKeyOf({column, type: type!, bytewise}, rule)
  return 'key' in found ? found : {reason: `${relation} is partitioned ${found.reason}.`}
}

/** A name in any spelling, as a key. */
export function nameKey(relation: string): string {
  const {schema, name} = parseQualifiedName(relation)
  return keyOfTable({schema: schema ?? 'public', table: name})
}

function keyOfTable({schema, table}: {schema: string; table: string}): string {
  return JSON.stringify([schema, table])
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

/** Which sets are managed, and what must be declared about their keys. */
export const keysInWords =
  'A set is managed if it is partitioned by range of one column: a date, timestamp or timestamptz, or, if it is ' +
  'declared, an integer (timeUnit), a UUIDv7, or a ULID (keyFormat).'

/** Why a set must not be changed, the most important reason first; null if it may be. */
export function obstacleOf(set: PartitionSet): OpsError | null {
  if (set.unfit !== null) return usageError('PARTITION_KEY', set.unfit, [keysInWords])
  if (set.managedBy !== null)
    return usageError(
      'MANAGED_ELSEWHERE',
      `${set.relation} is managed by ${set.managedBy} (or its part_config cannot be read), so it is not changed here.`,
      ['To manage it here, remove it from part_config.'],
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

/**
 * The sets that carry the time of a table, by its qualified name: the table itself, or tables below it.
 * @throws OpsError NO_SUCH_TABLE or that of {@link obstacleOf}
 */
export async function changeableSets(
  db: Database,
  relation: string,
  rule: PartitionRule | null,
): Promise<PartitionSet[]> {
  const all = await readSets(db, [relation], rule === null ? [] : [{...rule, relation}])
  const set = all.find((candidate) => nameKey(candidate.relation) === nameKey(relation))
  if (!set) throw usageError('NO_SUCH_TABLE', `There is no table ${relation} any more.`)
  const sets = set.levels.length > 0 ? all.filter((candidate) => set.levels.includes(candidate.relation)) : [set]
  for (const each of sets) {
    const reason = obstacleOf(each)
    if (reason) throw reason
  }
  return sets
}
