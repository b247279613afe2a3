import {createHash} from 'node:crypto'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {doBlock, ident, list, literal, raw, sql, type Fragment, type Statement} from '../../db/sql.js'
import {drainMarkText} from './mark.js'
import {asOwner, attachTable, boundsCheck, createTable, type NewChild} from '../create/make-child.js'
import type {PartitionSet} from '../sets.js'

/** Rows of one committed batch, about: they are locked until it commits. */
const batchRows = 10_000
/** Blocks of the default partition that one step reads: 64 MB. */
const blocksPerStep = 8_192

/** A partition and the rows of the default partition that belong to it. */
export interface DrainTarget extends NewChild {
  /** Estimated bytes of the rows. */
  bytes: number | null
  rows: number
  /** The blocks of the default partition between which its rows were found; null if it has none. */
  blocks: {first: number; last: number} | null
}

export interface DrainContext {
  db: Pick<Database, 'server' | 'target'>
  set: PartitionSet
  /** The default partition, quoted as in SQL. */
  rest: string
  columns: readonly string[]
  /** Foreign keys of the set, as ALTER TABLE … ADD takes them. */
  foreignKeys: readonly string[]
  /** Rows that are inserted meanwhile are written into the new table; false if their triggers would be missed. */
  redirects: boolean
}

export function relationOf({schema, partition}: NewChild): string {
  return formatQualifiedName(schema, partition)
}

/** Names that belong to one partition, so that the steps of two do not depend on each other. */
export function namesOf(relation: string): {check: string; trigger: string; routine: string} {
  const hash = createHash('md5').update(relation).digest('hex').slice(0, 12)
  // Triggers fire in the order of their names: the tilde makes this one the last, after those that change the row.
  return {check: `qicore_drain_${hash}`, trigger: `~qicore_drain_${hash}`, routine: `qicore_drain_${hash}`}
}

export function attachedCheck(set: PartitionSet, relation: string): Statement {
  return sql`select exists (
  select from pg_inherits where inhrelid = to_regclass(${relation}) and inhparent = to_regclass(${set.relation}) and not inhdetachpending
) as done`
}

export function prepareStatements(context: DrainContext, target: DrainTarget): Statement[] {
  const {db, set, foreignKeys, redirects} = context
  const relation = relationOf(target)
  const child = ident(target.schema, target.partition)
  const within = asOwner(db.target.role, db.server.role, set)
  const mark = drainMarkText({of: set.relation, lower: target.range.lowerText, upper: target.range.upperText})
  return [
    ...within.before,
    ...createTable(set, target, 'with indexes'),
    ...within.given(child),
    // While the table is empty they are valid at once, and ATTACH takes them over without reading rows.
    ...foreignKeys.map((key) => sql`alter table ${child} add ${raw(key)}`),
    sql`comment on table ${child} is ${literal(mark)}`,
    ...(redirects ? redirect(context, target, namesOf(relation)) : []),
    ...within.after,
  ]
}

/**
 * A trigger on the default partition that writes new rows of the partition into the new table: they neither come back
 * into the default partition, nor does its CHECK refuse them. The owner of the set owns the function, because a role
 * that may insert into the set has no privilege on the new table.
 */
function redirect(
  {rest, columns, set}: DrainContext,
  target: DrainTarget,
  {trigger, routine}: {trigger: string; routine: string},
): Statement[] {
  const child = ident(target.schema, target.partition)
  const called = ident(target.schema, routine)
  const body = `begin
  insert into ${child.text} (${columnList(columns).text}) values (${columns.map((column) => `new.${ident(column).text}`).join(', ')});
  return null;
end`
  return [
    sql`create or replace function ${called}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as ${literal(body)}`,
    sql`revoke all on function ${called}() from public`,
    sql`create trigger ${ident(trigger)} before insert on ${raw(rest)} for each row when (${inside(set, target, raw('new.'))}) execute function ${called}()`,
  ]
}

function columnList(columns: readonly string[]): Statement {
  return list(columns.map((column) => ident(column)))
}

function inside({column}: PartitionSet, {range}: NewChild, prefix: Fragment): Statement {
  const key = sql`${prefix}${ident(column!)}`
  return sql`${key} >= ${literal(range.lowerText)} and ${key} < ${literal(range.upperText)}`
}

export function outside({set}: DrainContext, {range}: NewChild): Statement {
  const key = ident(set.column!)
  return sql`${key} is null or ${key} < ${literal(range.lowerText)} or ${key} >= ${literal(range.upperText)}`
}

/** Moves rows of the partition; deleting and inserting are one statement, so that a row is never in both or in none. */
export function moveWhere({set, rest, columns}: DrainContext, target: DrainTarget, where: Statement): Statement {
  const all = columnList(columns)
  return sql`with gone as (
    delete from only ${raw(rest)} where ${where}${inside(set, target, raw(''))} returning ${all}
  ) insert into ${ident(target.schema, target.partition)} (${all}) select ${all} from gone`
}

interface Slice {
  first: number
  last: number
  part: string
  bytes: number | null
}

export function slicesOf({blocks, bytes}: DrainTarget): Slice[] {
  if (blocks === null) return []
  const total = blocks.last - blocks.first + 1
  const count = Math.ceil(total / blocksPerStep)
  return Array.from({length: count}, (_, index) => ({
    first: blocks.first + index * blocksPerStep,
    last: Math.min(blocks.first + (index + 1) * blocksPerStep - 1, blocks.last),
    part: count === 1 ? '' : ` ${index + 1}/${count}`,
    bytes: bytes === null ? null : Math.round(bytes / count),
  }))
}

/**
 * Moves the rows in a range of blocks, in committed batches. It reads each block once, by a TID range scan, whatever
 * indexes there are; rows that were inserted in the order of time lie in few blocks.
 */
export function moveBlocks(context: DrainContext, target: DrainTarget, first: number, last: number): Statement {
  const total = target.blocks!.last - target.blocks!.first + 1
  const step = Math.min(Math.max(Math.round((batchRows * total) / Math.max(target.rows, 1)), 1), blocksPerStep)
  const move = moveWhere(context, target, sql`ctid >= lower and ctid < upper and `)
  return doBlock`
declare
  lower tid;
  upper tid;
begin
  for block in ${first}..${last} by ${step} loop
    lower := format('(%s,0)', block)::tid;
    upper := format('(%s,0)', least(block + ${step}, ${last + 1}))::tid;
    ${move};
    commit;
  end loop;
end`
}

/** Moves rows that were written or changed since the blocks were read, until there are none. */
export function moveRest(context: DrainContext, target: DrainTarget): Statement {
  const {set, rest} = context
  const some = sql`ctid = any (array(select ctid from only ${raw(rest)} where ${inside(set, target, raw(''))} limit ${batchRows})) and `
  return doBlock`
declare
  moved bigint;
begin
  loop
    ${moveWhere(context, target, some)};
    get diagnostics moved = row_count;
    commit;
    exit when moved = 0;
  end loop;
end`
}

/**
 * The locks of an ATTACH, in the order in which a writer takes them. A writer that waits for the default partition
 * alone has already chosen it for its row: after the ATTACH PostgreSQL would refuse the row (23514). One that waits for
 * the set chooses afterwards.
 */
export function lockForAttach(set: PartitionSet, rest: string): Statement[] {
  return [
    sql`lock table only ${ident(set.schema, set.table)} in share row exclusive mode`,
    sql`lock table only ${raw(rest)} in access exclusive mode`,
  ]
}

/** All in one transaction: afterwards nothing is left but the partition. */
export function attachStatements({db, set, rest}: DrainContext, target: DrainTarget): Statement[] {
  const relation = relationOf(target)
  const child = ident(target.schema, target.partition)
  const {check, trigger, routine} = namesOf(relation)
  const within = asOwner(db.target.role, db.server.role, set)
  return [
    ...within.before,
    ...lockForAttach(set, rest),
    doBlock`
begin
  if not exists (select from pg_constraint where conrelid = to_regclass(${rest}) and conname = ${check} and convalidated) then
    raise exception using errcode = '55000', message = ${`the constraint that spares a scan of ${rest} is gone: run the command again`};
  end if;
end`,
    attachTable(set, target),
    sql`alter table ${child} drop constraint ${ident(boundsCheck)}`,
    sql`comment on table ${child} is null`,
    sql`drop trigger if exists ${ident(trigger)} on ${raw(rest)}`,
    sql`drop function if exists ${ident(target.schema, routine)}()`,
    sql`alter table ${raw(rest)} drop constraint ${ident(check)}`,
    ...within.after,
  ]
}
