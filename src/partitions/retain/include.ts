import {pointOf} from '../../catalog/time-key.js'
import type {Database} from '../../db/database.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {doBlock, ident, sql, type Statement} from '../../db/sql.js'
import {usageError} from '../../errors.js'
import type {Step} from '../../run/step.js'
import {firstUnseen} from '../coverage.js'
import {allUnseen, keyChangedBy} from './detach-record.js'
import {readForgotten} from './forgotten.js'
import {keyEnds} from '../key-values.js'
import {reasonKept, type Remembered} from './remembered.js'
import type {PartitionSet} from '../sets.js'

export interface Included {
  steps: Step[]
  /** Qualified names of the tables. */
  names: ReadonlySet<string>
}

/**
 * Steps that record detached tables that no stage touches: of those that were detached by hand, the operator decides by
 * naming them. The next run carries out what is due.
 * @throws OpsError NO_SUCH_TABLE, NOT_DETACHED, EMPTY_TABLE
 */
export async function includeStep(
  db: Database,
  set: PartitionSet,
  remembered: readonly Remembered[],
  names: readonly string[],
): Promise<Included> {
  const steps: Step[] = []
  const wanted = await Promise.all(names.map((name) => findTable(db, name)))
  if (wanted.length === 0) return {steps, names: new Set()}
  const seen = (await firstUnseen(db, set)) === null ? null : allUnseen
  const forgotten = await readForgotten(db, remembered)
  for (const {oid, relation} of wanted) {
    const known = remembered.find((each) => each.oid === oid)
    if (known !== undefined && reasonKept(known) === null) continue
    if (known === undefined && !forgotten.some((each) => each.oid === oid && each.of === set.relation))
      throw usageError(
        'NOT_DETACHED',
        `${relation} does not have the name and the columns of a partition of ${set.relation} and was not detached from ` +
          'it by qicore-db.',
      )
    const statements =
      known === undefined ? await newRecord(db, set, {oid, relation, seen}) : [confirmRecord(known, seen)]
    steps.push(stepWith(relation, oid, statements))
  }
  return {steps, names: new Set(wanted.map(({relation}) => relation))}
}

async function findTable(db: Database, name: string): Promise<{oid: number; relation: string}> {
  const {schema, name: table} = parseQualifiedName(name)
  const quoted = ident(schema ?? 'public', table).text
  const [row] = await db.query<{oid: number; relation: string}>(
    sql`select c.oid::int8 as oid, format('%I.%I', n.nspname, c.relname) as relation
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(${quoted}) and c.relkind in ('r', 'p', 'f')`,
  )
  if (row === undefined) throw usageError('NO_SUCH_TABLE', `There is no table "${name}" in this database.`)
  return row
}

function stepWith(relation: string, oid: number, statements: readonly Statement[]): Step {
  return {
    id: `include ${relation}`,
    kind: 'include',
    object: relation,
    statements,
    lock: 'NONE',
    class: 'undo',
    transaction: 'own',
    doneCheck: sql`select exists (
  select from qicore.detached_partition d join pg_class c on c.oid = d.relation
  where d.relation = ${oid}::oid and d.dropped_at is null and d.detached_at is not null and d.detached_xid = ${keyChangedBy()}
) as done`,
    repeatable: true,
    dependsOn: [],
    relations: [relation],
    bytes: null,
  }
}

/** Its range is recorded already. Whether the aggregates have its rows is known only if none needs them. */
function confirmRecord({id, oid}: Remembered, seen: string | null): Statement {
  return doBlock`
begin
  update qicore.detached_partition d
  set detached_at = coalesce(d.detached_at, clock_timestamp()), detached_by = coalesce(d.detached_by, session_user), detached_xid = ${keyChangedBy()},
    seen = ${seen}, counted_at = case when ${seen}::text is null then clock_timestamp() end
  from pg_class c where d.id = ${id} and c.oid = d.relation and c.oid = ${oid}::oid and not c.relispartition;
  if not found then
    raise exception using errcode = '55000', message = 'it is attached again, or gone';
  end if;
end`
}

/** The range of a table that was never recorded is that of its rows. */
async function newRecord(
  db: Database,
  set: PartitionSet,
  {oid, relation, seen}: {oid: number; relation: string; seen: string | null},
): Promise<Statement[]> {
  const {schema, name} = parseQualifiedName(relation)
  const key = set.key!
  const [ends] = await db.query<{oldest: string | null; newest: string | null}>(
    sql`select ${keyEnds(key, ident(set.column!))} from ${ident(schema!, name)}`,
  )
  const [start, newest] = [ends?.oldest ?? null, ends?.newest ?? null].map((text) =>
    text === null ? null : pointOf(key, text),
  )
  if (start == null || newest == null)
    throw usageError('EMPTY_TABLE', `${relation} has no rows with a time, so its age is not known.`, [
      'Drop it, if it is not needed.',
    ])
  return [
    sql`insert into qicore.detached_partition (
  set_schema, set_table, relation, schema, partition, key_column, lower_bound, upper_bound, range_start, range_end, zoned, attempt, seen,
  detached_at, detached_by, counted_at, detached_xid
)
select ${set.schema}, ${set.table}, c.oid, n.nspname, c.relname, d.key_column, ${ends!.oldest}, ${ends!.newest}, ${String(start)}::bigint, ${String(newest + 1n)}::bigint,
  ${key.kind !== 'timestamp' && key.kind !== 'date'}, 'included', ${seen}, clock_timestamp(), session_user, case when ${seen}::text is null then clock_timestamp() end,
  ${keyChangedBy()}
from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join (select ${set.column!}::text as key_column) d
where c.oid = ${oid}::oid and not c.relispartition
on conflict (relation) where dropped_at is null do nothing`,
  ]
}
