import {readColumnarSizes} from '../catalog/columnar-sizes.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {doBlock, ident, list, raw, sql, statement, type Statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {rangeWords, readChildren, type Child} from './children.js'
import {asOwner, attachTable, boundsCheck, boundsOf} from './create/make-child.js'
import {refusedByColumnar, requireInsertOnly} from './insert-only.js'
import {carryOver, notCarriedOver, optionsOf, readOwnObjects} from './own-objects.js'
import {changeableSets, type PartitionSet} from './sets.js'

export type AccessMethod = 'columnar' | 'heap'

export interface ConvertRequest {
  /** Qualified name of the table. */
  relation: string
  /** Qualified names of its partitions. */
  partitions: readonly string[]
  to: AccessMethod
  /** By which the rows of columnar partitions are sorted, before the time. */
  order: readonly SortColumn[]
  /** Convert although statements change or lock rows of the table: they never reach these partitions. */
  allowUpdates?: boolean | undefined
}

export interface SortColumn {
  column: string
  desc: boolean
  nullsFirst: boolean
}

export interface ConvertSteps {
  steps: Step[]
  notes: string[]
}

/** The row of sql/partitions/convertible.sql; names are quoted. */
interface Facts {
  has_columnar: boolean
  columns: string[]
  foreign_keys: string[]
  triggers: string[]
  indexes: string[]
}

/**
 * Plans the conversion of partitions to another access method: one transaction each, which copies the rows into a new
 * partition and exchanges the two. Columnar partitions accept only INSERT, and their table accepts no foreign key.
 * @throws OpsError NO_COLUMNAR, NOT_CONVERTIBLE (exit 2), and the errors of {@link changeableSets}
 */
export async function planConvert(db: Database, request: ConvertRequest): Promise<ConvertSteps> {
  const sets = await changeableSets(db, request.relation, null)
  const steps: Step[] = []
  const notes: string[] = []
  for (const set of sets) {
    const children = await readChildren(db, [set], true)
    const wanted = children.filter(({relation}) => request.partitions.includes(relation))
    const unmeasured = request.to === 'columnar' ? await readUnmeasured(db, children, wanted) : []
    steps.push(...unmeasured.map((child) => measureStep(set, child, [])))
    if (wanted.length === 0) continue
    const facts = await requireConvertible(db, set, request.to)
    const by = await distributionColumn(db, set)
    const order = sortColumns(set, request)
    const {fit, left} = leaveOut(wanted)
    const lost = await requireReplaceable(db, fit, request.to)
    const unchecked =
      request.to === 'columnar' && fit.length > 0
        ? await requireInsertOnly(db, set, fit, request.allowUpdates ?? false)
        : []
    notes.push(...left, ...lost, ...unchecked)
    for (const child of fit) {
      const convert = convertStep(db, set, child, {to: request.to, columns: facts.columns, by, order})
      steps.push(convert, ...(request.to === 'columnar' ? [measureStep(set, child, [convert.id])] : []))
    }
    if (request.to === 'columnar' && fit.length > 0)
      notes.push(
        `Rows are stored in the order ${orderInWords(order)}.`,
        `${refusedByColumnar} fail on columnar partitions of ${set.relation}; plain INSERT works.`,
      )
  }
  return {steps, notes}
}

/** @throws OpsError NO_COLUMNAR, NOT_CONVERTIBLE */
async function requireConvertible(db: Database, set: PartitionSet, to: AccessMethod): Promise<Facts> {
  const [facts] = await db.query<Facts>(statement(loadSql('partitions/convertible'), [set.relation]))
  if (to === 'heap') return facts!
  if (!facts!.has_columnar)
    throw usageError('NO_COLUMNAR', 'This database has no access method columnar.', [
      'Create it, once: create extension citus_columnar',
    ])
  const reasons = [
    ['foreign keys', facts!.foreign_keys],
    ['triggers after a row', facts!.triggers],
    ['indexes that are neither btree nor hash', facts!.indexes],
  ] as const
  const found = reasons.filter(([, names]) => names.length > 0).map(([what, names]) => `${what} (${names.join(', ')})`)
  if (found.length > 0)
    throw usageError(
      'NOT_CONVERTIBLE',
      `Partitions of ${set.relation} cannot be columnar: the table has ${found.join(' and ')}. Nothing was changed.`,
      ['Drop them first, or keep the partitions as they are.'],
    )
  return facts!
}

/**
 * The new partition takes the place of the old one, so what only the old one has must be kept or named before.
 * @returns notes on what is lost
 * @throws OpsError NOT_CONVERTIBLE
 */
async function requireReplaceable(db: Database, children: readonly Child[], to: AccessMethod): Promise<string[]> {
  const objects = await readOwnObjects(
    db,
    children.map(({relation}) => relation),
  )
  for (const {relation} of children) {
    const reasons = notCarriedOver(objects, relation)
    if (reasons.length > 0)
      throw usageError(
        'NOT_CONVERTIBLE',
        `${relation} cannot be converted: a new partition takes its place, and this one has ` +
          `${reasons.join(' and ')}. Nothing was changed.`,
        ['Give them to the table instead, or drop them first.'],
      )
  }
  if (to === 'heap') return []
  return children.flatMap(({relation}) => {
    const options = optionsOf(objects, relation)
    return options.length === 0
      ? []
      : [`${relation} loses its storage parameters (${options.join(', ')}): columnar storage has none.`]
  })
}

/** Foreign tables and partitioned partitions have no access method, and the size of a locked one is not known. */
function leaveOut(children: readonly Child[]): {fit: Child[]; left: string[]} {
  const fit = children.filter(({kind, isDefault, pending, range}) => kind === 'r' && !isDefault && !pending && range)
  const left = children.filter((child) => !fit.includes(child))
  return {fit, left: left.map((child) => `${child.relation} (${rangeWords(child)}) cannot be converted: skipped.`)}
}

async function distributionColumn(db: Database, set: PartitionSet): Promise<string | null> {
  if (!set.distributed) return null
  const [row] = await db.query<{column: string}>(statement(loadSql('partitions/distribution-column'), [set.relation]))
  if (row === undefined)
    throw usageError(
      'NOT_CONVERTIBLE',
      `${set.relation} is replicated to every node: its partitions are not converted.`,
    )
  return row.column
}

/** Partitions whose conversion was recorded without the size after it, because the run was killed in between. */
async function readUnmeasured(db: Database, children: readonly Child[], wanted: readonly Child[]): Promise<Child[]> {
  const recorded = new Set(
    [...(await readColumnarSizes(db)).values()].filter(({after}) => after === null).map(({name}) => name),
  )
  return children.filter((child) => recorded.has(child.relation) && !wanted.includes(child))
}

/**
 * Rows are copied while the partition is readable (EXCLUSIVE); the table is locked ACCESS EXCLUSIVE only for the
 * swap at the end: 0.2 s for 1.8 million rows, for which alter_table_set_access_method holds it for 2.6 s. The
 * CHECK spares a scan of the new partition by ATTACH.
 */
function convertStep(
  db: Database,
  set: PartitionSet,
  child: Child,
  {
    to,
    columns,
    by,
    order,
  }: {to: AccessMethod; columns: readonly string[]; by: string | null; order: readonly SortColumn[]},
): Step {
  const {relation, schema, partition} = child
  const made = {schema, partition: `${partition.slice(0, 50)}_qicore`, range: child.range!, structure: null}
  const [parent, old, fresh] = [ident(set.schema, set.table), ident(schema, partition), ident(schema, made.partition)]
  const within = asOwner(db.target.role, db.server.role, set)
  const all = list(columns.map((column) => ident(column)))
  return {
    id: `${to === 'columnar' ? 'compress' : 'decompress'} ${relation}`,
    kind: to === 'columnar' ? 'compress' : 'decompress',
    object: relation,
    statements: [
      ...within.before,
      // Where row security hides rows of the old partition from this role, the copy fails instead of leaving them out.
      sql`set local row_security = off`,
      sql`lock table ${old} in exclusive mode`,
      sql`create table ${fresh} (
  like ${old} including defaults including generated including constraints including indexes including statistics
    including comments including storage including compression,
  constraint ${ident(boundsCheck)} check (${boundsOf(set, made)})
) using ${ident(to)}`,
      ...within.given(fresh),
      carryOver(old.text, fresh.text, {options: to === 'heap'}),
      ...(by === null
        ? []
        : [
            sql`select create_distributed_table(${`${fresh.text}`}::regclass, ${by}, colocate_with => ${set.relation})`,
          ]),
      // Columnar storage skips groups of rows by the lowest and highest value of each column.
      sql`insert into ${fresh} (${all}) select ${all} from ${old} order by ${list(order.map(orderSql))}`,
      sql`alter table ${parent} detach partition ${old}`,
      attachTable(set, made),
      sql`alter table ${fresh} drop constraint ${ident(boundsCheck)}`,
      sql`drop table ${old}`,
      sql`alter table ${fresh} rename to ${ident(partition)}`,
      ...within.after,
      recordConversion(child, to),
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: sql`select exists (
  select from pg_class c join pg_am a on a.oid = c.relam where c.oid = to_regclass(${relation}) and a.amname = ${to}
) as done`,
    repeatable: true,
    dependsOn: [],
    relations: [set.relation, relation],
    bytes: child.bytes,
  }
}

/** The requested order, with the time last unless it is named. */
function sortColumns({column}: PartitionSet, {order}: ConvertRequest): SortColumn[] {
  const byTime = {column: column!, desc: false, nullsFirst: false}
  return order.some((each) => each.column === column) ? [...order] : [...order, byTime]
}

function orderSql({column, desc, nullsFirst}: SortColumn): Statement {
  const nulls = nullsFirst === desc ? '' : ` nulls ${nullsFirst ? 'first' : 'last'}`
  return sql`${ident(column)}${raw(`${desc ? ' desc' : ''}${nulls}`)}`
}

function orderInWords(order: readonly SortColumn[]): string {
  return order.map((each) => orderSql(each).text).join(', ')
}

/** Without the schema qicore nothing is recorded; a run that is recorded has it. */
function recordConversion({relation, bytes}: Child, to: AccessMethod): Statement {
  const insert =
    to === 'heap'
      ? raw('')
      : sql`
    insert into qicore.columnar_partition (relation, name, before_bytes)
    values (to_regclass(${relation}), ${relation}, ${bytes === null ? null : String(bytes)}::bigint);`
  return doBlock`
begin
  if to_regclass('qicore.columnar_partition') is not null then
    delete from qicore.columnar_partition where name = ${relation};${insert}
  end if;
end`
}

/** Shards that were created in a transaction can be measured only after it. */
function measureStep({distributed}: PartitionSet, {relation}: Child, dependsOn: readonly string[]): Step {
  const size = distributed ? raw('citus_total_relation_size') : raw('pg_total_relation_size')
  return {
    id: `measure ${relation}`,
    kind: 'measure',
    object: relation,
    statements: [
      doBlock`
begin
  if to_regclass('qicore.columnar_partition') is not null then
    update qicore.columnar_partition set after_bytes = ${size}(to_regclass(${relation}))
    where relation = to_regclass(${relation}) and name = ${relation};
  end if;
end`,
    ],
    lock: 'ACCESS SHARE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn,
    relations: [relation],
    bytes: null,
  }
}
