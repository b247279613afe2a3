import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {ident, literal, raw, sql, type Fragment, type Statement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {Period} from '../periods.js'
import {boundSql, printedBound} from '../key-range.js'
import type {PartitionSet} from '../sets.js'
import {belowStatements, partitionBy, type Structure} from '../structure.js'

/** The name of a constraint of a new table that is equal to its bounds; removed before the step commits. */
export const boundsCheck = 'qicore_partition_bounds'

/** Steps that must be done before a partition is attached, and statements that its transaction runs first. */
export interface Before {
  steps: readonly string[]
  statements: readonly Statement[]
}

/**
 * ATTACH locks a default partition ACCESS EXCLUSIVE to check that none of its rows belongs to the new one. It clones
 * foreign keys under SHARE ROW EXCLUSIVE on the tables that they reference.
 */
function attachLock({defaultPartition, related}: PartitionSet): Step['lock'] {
  if (defaultPartition !== null) return 'ACCESS EXCLUSIVE'
  return related.length > 0 ? 'SHARE ROW EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE'
}

/** What a new partition is made from. */
export interface NewChild extends Pick<Period, 'schema' | 'partition' | 'range'> {
  /** How it is partitioned itself; null for an ordinary table. */
  structure: Structure | null
}

/**
 * Creates one partition: first as a table with a CHECK equal to its bounds, then attached. Both happen in one
 * transaction, so that a killed run leaves nothing behind. PARTITION OF would take ACCESS EXCLUSIVE on the parent;
 * ATTACH takes SHARE UPDATE EXCLUSIVE, and because of the CHECK it scans no rows.
 */
export function makeChild(
  db: Pick<Database, 'server' | 'target'>,
  set: PartitionSet,
  made: NewChild,
  before: Before,
): Step {
  const child = ident(made.schema, made.partition)
  const relation = formatQualifiedName(made.schema, made.partition)
  const within = asOwner(db.target.role, db.server.role, set)
  return {
    id: `create ${relation}`,
    kind: 'create partition',
    object: relation,
    statements: [
      ...oneShardAtATime(set),
      ...before.statements,
      ...within.before,
      ...createTable(set, made),
      ...within.given(child),
      attachTable(set, made),
      sql`alter table ${child} drop constraint ${ident(boundsCheck)}`,
      ...within.after,
    ],
    lock: attachLock(set),
    class: 'safe',
    transaction: 'own',
    doneCheck: sql`select exists (
  select from pg_class c join pg_inherits i on i.inhrelid = c.oid
  where c.oid = to_regclass(${relation}) and i.inhparent = to_regclass(${set.relation}) and not i.inhdetachpending
    and pg_get_expr(c.relpartbound, 0) = ${printedBound(set.key!, made.range)}
) as done`,
    repeatable: true,
    dependsOn: before.steps,
    relations: [set.relation, ...(set.defaultPartition === null ? [] : [set.defaultPartition]), ...set.related],
    bytes: null,
  }
}

/**
 * The table of a new partition, with a CHECK that is equal to its bounds, and the tables below it.
 * @param indexes those of the set, for a table that gets rows before it is attached: ATTACH would build them then
 */
export function createTable(set: PartitionSet, made: NewChild, indexes?: 'with indexes'): Statement[] {
  const {schema, partition, structure} = made
  // The same as PARTITION OF copies. ATTACH adds indexes, foreign keys, row triggers and (from 17) identity, and marks
  // them as inherited. Comments and extended statistics are not copied by either.
  const like = raw(
    'including defaults including generated including constraints including storage including ' +
      `compression${indexes ? ' including indexes' : ''}`,
  )
  const method = set.accessMethod === null ? raw('') : sql` using ${ident(set.accessMethod)}`
  const space = set.tablespace === null ? raw('') : sql` tablespace ${ident(set.tablespace)}`
  return [
    sql`create table ${ident(schema, partition)} (
  like ${ident(set.schema, set.table)} ${like},
  constraint ${ident(boundsCheck)} check (${boundsOf(set, made)})
)${partitionBy(structure)}${structure === null ? method : raw('')}${space}`,
    ...belowStatements(schema, partition, structure, method),
  ]
}

/** The rows that a partition takes, as the expression of a CHECK. A side without a bound is left out. */
export function boundsOf(set: PartitionSet, {range: {lowerText, upperText}}: Pick<NewChild, 'range'>): Fragment {
  const column = ident(set.column!)
  const lower = lowerText === 'MINVALUE' ? raw('') : sql` and ${column} >= ${literal(lowerText)}`
  const upper = upperText === 'MAXVALUE' ? raw('') : sql` and ${column} < ${literal(upperText)}`
  return sql`${column} is not null${lower}${upper}`
}

/** Attaches a table to its set. */
export function attachTable(set: PartitionSet, {schema, partition, range}: NewChild): Statement {
  return sql`alter table ${ident(set.schema, set.table)} attach partition ${ident(schema, partition)} for values from (${boundSql(range.lowerText)}) to (${boundSql(range.upperText)})`
}

/**
 * Citus runs DDL on the shards of a node in parallel sessions, and refuses to follow a foreign key to a replicated
 * table afterwards in the same transaction (XX000).
 */
function oneShardAtATime({distributed, related}: PartitionSet): Statement[] {
  return distributed && related.length > 0 ? [sql`set local citus.multi_shard_modify_mode = 'sequential'`] : []
}

/**
 * Statements that create the table as the owner of the set, so that it gets the owner's default privileges. An owner
 * without CREATE on the schema gets the table by ALTER TABLE … OWNER TO.
 */
export function asOwner(
  role: string | undefined,
  login: string,
  set: PartitionSet,
): {before: Statement[]; given(child: Fragment): Statement[]; after: Statement[]} {
  if ((role ?? login) === set.owner) return {before: [], given: () => [], after: []}
  if (!set.ownerCreates)
    return {before: [], given: (child) => [sql`alter table ${child} owner to ${ident(set.owner)}`], after: []}
  return {
    before: [sql`set local role ${ident(set.owner)}`],
    given: () => [],
    after: [role === undefined ? sql`set local role none` : sql`set local role ${ident(role)}`],
  }
}
