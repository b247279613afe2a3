import {timescaledbFunction, type Server} from '../../db/server.js'
import {loadSql} from '../../db/load-sql.js'
import {doBlock, ident, inline, list, literal, raw, sql, statement, type Fragment, type Statement} from '../../db/sql.js'
import type {Step} from '../../plan/step.js'
import {keyOf, type Chunk, type Table} from '../../reports/table.js'
import type {TimeKind} from '../../reports/time.js'
import type {Coverage} from '../aggregates/coverage.js'
import {staleQuestion} from '../aggregates/own-coverage.js'
import {highest, lowest, pointText, type Span} from '../aggregates/spans.js'
import {chunkLabel, chunkName} from './hypertable.js'

/** One range of time with its chunks: one, or one for each space partition. */
export interface Piece {
  span: Span
  chunks: Chunk[]
}

export interface DropOptions {
  server: Server
  table: Table
  /** Coverage of these aggregates is asked for again in the drop's own transaction; `needs` go by piece. */
  guarded: readonly Coverage[]
  /** Some aggregate reads this table. */
  watched: boolean
  /** Tables that drop_chunks locks too. */
  referenced: readonly string[]
  dependsOn: readonly string[]
}

/** Drops exactly these chunks of one range, or nothing. */
export function dropStep(piece: Piece, index: number, pieces: readonly Piece[], bytes: number | null, options: DropOptions): Step {
  const {server, table, guarded, referenced} = options
  const names = piece.chunks.map(chunkName)
  const guard = guarded.length > 0 ? [guardStatement(server, table, guarded, index, pieces.slice(0, index).map(({span}) => span))] : []
  return {
    id: `drop ${piece.chunks.map(chunkLabel).join(', ')}`,
    kind: 'drop',
    object: names.join(', '),
    statements: [
      // Nobody writes to it between the question and the drop; and before the tables it references are locked.
      sql`lock table ${list(piece.chunks.map(({schema, name}) => sql`only ${ident(schema, name)}`))} in access exclusive mode`,
      ...guard,
      ...(options.watched && server.skipsInvalidation ? [sql`set local timescaledb.skip_cagg_invalidation = on`] : []),
      dropStatement(server, table, piece),
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    transaction: 'own',
    doneCheck: sql`select not exists (select from unnest(${names}::text[]) as name where to_regclass(name) is not null) as done`,
    repeatable: true,
    dependsOn: options.dependsOn,
    relations: [...names, ...referenced],
    bytes,
  }
}

/** drop_chunks takes a range, so what it took is compared with what was meant. Constants take the type of the column. */
function dropStatement(server: Server, table: Table, {span, chunks}: Piece): Statement {
  const bounds = [
    ...(span.end < highest ? [`older_than => ${bound(span.end, table.time)}`] : []),
    ...(span.start > lowest ? [`newer_than => ${bound(span.start, table.time)}`] : []),
  ]
  const meant = sql`array[${list(chunks.map(({schema, name}) => sql`format('%I.%I', ${schema}::text, ${name}::text)`))}]`
  return doBlock`
declare
  taken text[] := array(select ${timescaledbFunction(server, 'drop_chunks')}(${keyOf(table)}::regclass, ${raw(bounds.join(', '))}));
begin
  if not (taken @> ${meant} and taken <@ ${meant}) then
    raise exception using errcode = '55000',
      message = format('drop_chunks took %s, which is not what was planned: it was undone', coalesce(nullif(array_to_string(taken, ', '), ''), 'nothing'));
  end if;
end`
}

function bound(point: bigint, time: TimeKind): string {
  const text = literal(pointText(point, time)).text
  return time === 'uuid' ? `timestamptz ${text}` : text
}

/**
 * Raises where an aggregate has something pending of what the rows of this range went into. The rows cannot change any
 * more: the chunk is locked.
 * @param dropped the ranges before this one, which the steps before may have dropped
 */
function guardStatement(server: Server, table: Table, guarded: readonly Coverage[], index: number, dropped: readonly Span[]): Statement {
  const theirs = guarded.flatMap(({aggregate, needs}) => (aggregate !== null && needs[index] ? [{aggregate, need: needs[index]}] : []))
  const ours = guarded.flatMap(({own, needs, schema, view}) => (own !== null && needs[index] ? [{own, name: keyOf({schema, name: view}), need: needs[index]}] : []))
  const blind = guarded.flatMap((each) => (each.blind ? [`select ${literal(keyOf({schema: each.schema, name: each.view})).text}::text as view`] : []))
  const kept = guarded.flatMap(({aggregate, kept}) => (aggregate !== null && kept[index] ? [keptQuestion(aggregate, kept[index])] : []))
  const questions = [...blind, ...kept, ...(theirs.length > 0 ? [pendingQuestion(server, table, theirs, dropped)] : []), ...ours.map((each) => ownQuestion(each.own, each.name, each.need))]
  if (questions.length === 0) return sql`select`
  return doBlock`
declare
  missing text;
begin
  select string_agg(view, ', ') into missing from (
    ${raw(questions.join('\n    union all\n    '))}
  ) as uncovered;
  if missing is not null then
    raise exception using errcode = '55000', message = 'not covered by ' || missing || ', so not dropped',
      detail = 'Rows were written since this was planned: plan again with --refresh-first.';
  end if;
end`
}

interface Theirs {
  aggregate: Table
  need: Span
}

function pendingQuestion(server: Server, table: Table, theirs: readonly Theirs[], dropped: readonly Span[]): string {
  const rows = theirs.map(({aggregate, need}) => `(${literal(keyOf(aggregate)).text}, ${aggregate.id}, ${aggregate.aggregate!.source!.id}, ${need.start}, ${need.end})`)
  const catalog = '_timescaledb_catalog.continuous_aggs_'
  // What drop_chunks itself logs of a drop, from the chunk's first instant to the next chunk's, is no row that changed.
  const since = theirs.reduce((least, {need}) => (need.start < least ? need.start : least), highest)
  const logged = server.skipsInvalidation ? [] : dropped.filter(({start, end}) => end >= since && start > lowest && end < highest)
  const artifact = logged.length === 0 ? '' : ` and (l.hypertable_id, l.lowest_modified_value, l.greatest_modified_value) not in (${logged.map(({start, end}) => `(${table.id}, ${start}, ${end})`).join(', ')})`
  const unfinished = server.materializationRanges === null ? '' : `
      or exists (select from ${catalog}materialization_ranges r where r.materialization_id = n.id and r.lowest_modified_value < n.until and r.greatest_modified_value > n.since)`
  return `select n.view from (values ${rows.join(', ')}) as n (view, id, source, since, until)
    where exists (select from ${catalog}hypertable_invalidation_log l where l.hypertable_id = n.source and l.lowest_modified_value < n.until and l.greatest_modified_value >= n.since${artifact})
      or exists (select from ${catalog}materialization_invalidation_log m where m.materialization_id = n.id and m.lowest_modified_value < n.until and m.greatest_modified_value >= n.since)${unfinished}
    union all
    select format('%I.%I', a.user_view_schema, a.user_view_name) from _timescaledb_catalog.continuous_agg a
    where a.raw_hypertable_id in (${[...new Set(theirs.map(({aggregate}) => aggregate.aggregate!.source!.id))].join(', ')}) and a.mat_hypertable_id not in (${theirs.map(({aggregate}) => aggregate.id).join(', ')})`
}

function keptQuestion(aggregate: Table, {start, end}: Span): string {
  const changed = inline(statement(loadSql('catalog/changed-since'), [aggregate.aggregate!.source!.id, String(start), String(end)])).replace(/^--.*\n/gm, '')
  return `select ${literal(keyOf(aggregate)).text}::text as view from (${changed}) as since where since.changed`
}

function ownQuestion(own: {data: string; query: string}, name: string, need: Span): string {
  const covered = inline(sql`select from qicore.aggregates where to_regclass(view) = ${name}::regclass
      and covered @> tstzrange(${pointText(need.start, 'timestamptz')}::timestamptz, ${pointText(need.end, 'timestamptz')}::timestamptz)`)
  const stale = staleQuestion(own, need)
  const different: Fragment = raw(stale === null ? 'true' : inline(stale).replace(/^select /, '').replace(/ as stale$/, ''))
  return `select ${literal(name).text}::text as view where not exists (${covered}) or ${different.text}`
}
