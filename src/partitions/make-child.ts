import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {ident, literal, raw, sql, type Fragment, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {Period} from './periods.js'
import type {PartitionSet} from './sets.js'

/** Named in the child's own table only, and gone again when the step commits. */
const boundsCheck = 'qicore_partition_bounds'

/** What must have happened, and what is run first, before a child is attached. */
export interface Before {
  steps: readonly string[]
  statements: readonly Statement[]
}

/**
 * With a default partition ATTACH locks that one exclusively, to see that no row of it belongs here. Foreign keys are
 * cloned under SHARE ROW EXCLUSIVE on the tables at their other end.
 */
function attachLock({defaultPartition, related}: PartitionSet): Step['lock'] {
  if (defaultPartition !== null) return 'ACCESS EXCLUSIVE'
  return related.length > 0 ? 'SHARE ROW EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE'
}

/**
 * Makes one partition: apart, with a CHECK that says what its bounds will say, then attached, all in one transaction,
 * so that a run that is killed leaves no half of it. PARTITION OF would take ACCESS EXCLUSIVE on the parent; ATTACH
 * takes SHARE UPDATE EXCLUSIVE, and with the CHECK it looks at no row.
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
  // What PARTITION OF copies by itself. Indexes, foreign keys, row triggers and (from 17) identity come with ATTACH,
  // which marks them as the parent's; comments and extended statistics stay with the parent.
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
 * PARTITION OF run by the owner gives the owner's table with the owner's default privileges: so it is made as the
 * owner.
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
