import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {ident, literal, raw, sql, type Fragment, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {Period} from './periods.js'
import type {PartitionSet} from './sets.js'

/** A constraint of the new table; removed before the step commits. */
const boundsCheck = 'qicore_partition_bounds'

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

/**
 * Creates one partition: first as a table with a CHECK equal to its bounds, then attached. Both happen in one
 * transaction, so that a killed run leaves nothing behind. PARTITION OF would take ACCESS EXCLUSIVE on the parent;
 * ATTACH takes SHARE UPDATE EXCLUSIVE, and because of the CHECK it scans no rows.
 */
export function makeChild(
  db: Pick<Database, 'server' | 'target'>,
  set: PartitionSet,
  period: Period,
  before: Before,
): Step {
  const parent = ident(set.schema, set.table)
  const child = ident(period.schema, period.partition)
  const column = ident(set.column!)
  const [lower, upper] = [literal(period.lowerText), literal(period.upperText)]
  const relation = formatQualifiedName(period.schema, period.partition)
  // The same as PARTITION OF copies. ATTACH adds indexes, foreign keys, row triggers and (from 17) identity, and marks
  // them as inherited. Comments and extended statistics are not copied by either.
  const like = raw(
    'including defaults including generated including constraints including storage including compression',
  )
  const method = set.accessMethod === null ? raw('') : sql` using ${ident(set.accessMethod)}`
  const space = set.tablespace === null ? raw('') : sql` tablespace ${ident(set.tablespace)}`
  const within = asOwner(db.target.role, db.server.role, set)
  return {
    id: `create ${relation}`,
    kind: 'create partition',
    object: relation,
    statements: [
      ...before.statements,
      ...within.before,
      sql`create table ${child} (
  like ${parent} ${like},
  constraint ${ident(boundsCheck)} check (${column} is not null and ${column} >= ${lower} and ${column} < ${upper})
)${method}${space}`,
      ...within.given(child),
      sql`alter table ${parent} attach partition ${child} for values from (${lower}) to (${upper})`,
      sql`alter table ${child} drop constraint ${ident(boundsCheck)}`,
      ...within.after,
    ],
    lock: attachLock(set),
    class: 'safe',
    transaction: 'own',
    doneCheck: sql`select exists (
  select from pg_class c join pg_inherits i on i.inhrelid = c.oid
  where c.oid = to_regclass(${relation}) and i.inhparent = to_regclass(${set.relation}) and not i.inhdetachpending
    and pg_get_expr(c.relpartbound, 0) = format('FOR VALUES FROM (%L) TO (%L)', ${period.lowerText}::text, ${period.upperText}::text)
) as done`,
    repeatable: true,
    dependsOn: before.steps,
    relations: [set.relation, ...(set.defaultPartition === null ? [] : [set.defaultPartition]), ...set.related],
    bytes: null,
  }
}

/**
 * Statements that create the table as the owner of the set, so that it gets the owner's default privileges. An owner
 * without CREATE on the schema gets the table by ALTER TABLE … OWNER TO.
 */
function asOwner(
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
