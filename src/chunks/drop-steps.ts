import type {Server} from '../db/server.js'
import {doBlock, ident, list, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {coverageParts} from '../catalog/coverage-sql.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import type {Coverage} from '../aggregates/coverage.js'
import {differsExpression} from '../aggregates/emulated-coverage.js'
import type {Span} from '../catalog/span.js'
import {pointText} from '../catalog/time-key.js'
import type {ExportSettings} from '../export/settings.js'
import type {Subject} from '../export/source.js'
import {requireExported} from '../export/steps.js'
import {chunkExportId} from './export.js'
import {chunkLabel, chunkName} from './hypertable.js'

/** One time range with its chunks: one chunk, or one for each space partition. */
export interface DropRange {
  span: Span
  chunks: Chunk[]
}

export interface DropOptions {
  server: Server
  table: Table
  /**
   * The transaction of the drop checks the coverage of these aggregates again; `needs` has one entry a range. Null: the
   * loss is accepted.
   */
  guarded: readonly Coverage[] | null
  /** Tables that a drop locks too, because the table references them. */
  referenced: readonly string[]
  dependsOn: readonly string[]
  /** A chunk is dropped only if its export has its rows; null: it is not exported. */
  exported: {settings: ExportSettings; subjectOf: (chunk: Chunk) => Subject} | null
}

/** The step that drops all chunks of one range, or none. */
export function dropStep(range: DropRange, index: number, bytes: number | null, options: DropOptions): Step {
  const {server, table, guarded, referenced, exported} = options
  const names = range.chunks.map(chunkName)
  return {
    id: `drop ${range.chunks.map(chunkLabel).join(', ')}`,
    kind: 'drop',
    object: names.join(', '),
    ...(exported !== null && {work: requireExported(range.chunks.map(exported.subjectOf), exported.settings)}),
    statements: [
      // Locked first, so that no session writes between the check and the drop. Readers do not wait for the check,
      // which can read the rows; the drop takes ACCESS EXCLUSIVE itself. Referenced tables are locked after it.
      sql`lock table ${list(range.chunks.map(({schema, name}) => sql`only ${ident(schema, name)}`))} in exclusive mode`,
      ...(guarded === null ? [] : guardStatement(server, table, guarded, index)),
      dropStatement(table, range),
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    transaction: 'own',
    doneCheck: sql`select not exists (select from unnest(${names}::text[]) as name where to_regclass(name) is not null) as done`,
    repeatable: true,
    dependsOn: [...options.dependsOn, ...(exported === null ? [] : range.chunks.map(chunkExportId))],
    relations: [...names, ...referenced],
    bytes,
  }
}

/**
 * Drops by name. Up to 2.27 drop_chunks logs the dropped range as changed, and its end one microsecond late: a refresh
 * then erases it from the aggregates, and the next chunk never counts as covered. drop_chunk logs nothing in any
 * version. Up to 2.28 it checks no privileges, so they are checked here.
 */
function dropStatement(table: Table, {span, chunks}: DropRange): Statement {
  const relations = list(chunks.map((chunk) => sql`${chunkName(chunk)}::regclass`))
  // All chunks of a range are dropped together: a bucket computed from some of them would be wrong.
  const others = sql`
  if exists (
    select from timescaledb_information.chunks c
    where c.hypertable_schema = ${table.storage.schema} and c.hypertable_name = ${table.storage.name}
      and coalesce(c.range_start_integer, (extract(epoch from c.range_start) * 1000000)::bigint) = ${String(span.start)}
      and coalesce(c.range_end_integer, (extract(epoch from c.range_end) * 1000000)::bigint) = ${String(span.end)}
      and format('%I.%I', c.chunk_schema, c.chunk_name)::regclass not in (${relations})
  ) then
    raise exception using errcode = '55000',
      message = 'this range has another chunk now, which is not what was planned: nothing was dropped';
  end if;`
  return doBlock`
begin
  if not pg_has_role((select c.relowner from pg_class c where c.oid = ${qualifiedName(table)}::regclass), 'usage') then
    raise exception using errcode = '42501', message = 'must be owner of ' || ${qualifiedName(table)};
  end if;${chunks.some(({space}) => space !== null) ? others : raw('')}
  perform _timescaledb_functions.drop_chunk(c) from unnest(array[${relations}]) as c;
end`
}

/**
 * Raises an error if a bucket with rows of this range is pending in an aggregate. The chunk is locked, so its rows
 * cannot change after the check.
 */
function guardStatement(server: Server, table: Table, guarded: readonly Coverage[], index: number): Statement[] {
  const known = guarded.flatMap(({aggregate}) => aggregate?.id ?? [])
  const needed = guarded.flatMap(({aggregate, needs}) =>
    aggregate !== null && needs[index] ? [{aggregate, need: needs[index]}] : [],
  )
  const compared = guarded.flatMap(({comparisons, schema, view}) => {
    const comparison = comparisons[index] ?? null
    if (comparison === null || comparison.window.start >= comparison.window.end) return []
    return [sql`select ${qualifiedName({schema, name: view})}::text where ${comparison.differs}`]
  })
  const emulated = guarded.flatMap(({own, needs, schema, view}) =>
    own !== null && needs[index] ? [{own, name: qualifiedName({schema, name: view}), need: needs[index]}] : [],
  )
  const questions = [
    ...guarded.flatMap((each) =>
      each.blind ? [sql`select ${qualifiedName({schema: each.schema, name: each.view})}::text`] : [],
    ),
    ...(needed.length > 0 ? [pendingQuestion(server, needed)] : []),
    ...(table.id === null ? [] : [unknownQuestion(table.id, known)]),
    ...compared,
    ...emulated.map((each) => ownQuestion(each.own, each.name, each.need)),
  ]
  if (questions.length === 0) return []
  return [
    doBlock`
declare
  missing text;
begin
  select string_agg(view, ', ') into missing from (
    ${questions.reduce(
      (all, question) => sql`${all}
    union all
    ${question}`,
    )}
  ) as uncovered (view);
  if missing is not null then
    raise exception using errcode = '55000', message = 'not covered by ' || missing || ', so not dropped',
      detail = 'Rows were written since this was planned: plan again with --refresh-first.';
  end if;
end`,
  ]
}

function pendingQuestion(server: Server, needed: readonly {aggregate: Table; need: Span}[]): Statement {
  const rows = needed.map(
    ({aggregate, need}) =>
      sql`(${qualifiedName(aggregate)}, ${aggregate.id}, ${String(need.start)}::bigint, ${String(need.end)}::bigint)`,
  )
  return sql`select p.view from (
      with wanted (view, id, since, until) as materialized (values ${list(rows)})${raw(coverageParts(server, ['gaps']))}
      select g.view from gap g where not isempty(g.gaps)
    ) as p`
}

/**
 * Aggregates over the table, direct or indirect, that were created after the plan: they have covered nothing.
 */
function unknownQuestion(table: number, known: readonly number[]): Statement {
  return sql`select format('%I.%I', a.user_view_schema, a.user_view_name) from _timescaledb_catalog.continuous_agg a
    where a.raw_hypertable_id in (${list([table, ...known])})${known.length > 0 ? sql` and a.mat_hypertable_id not in (${list(known)})` : raw('')}`
}

function ownQuestion(own: {data: string; query: string}, name: string, need: Span): Statement {
  const different = differsExpression(own, need) ?? sql`true`
  return sql`select ${name}::text where not exists (
      select from qicore.aggregates where to_regclass(view) = ${name}::regclass
        and covered @> tstzrange(${pointText(need.start, 'timestamptz')}::timestamptz, ${pointText(need.end, 'timestamptz')}::timestamptz)
    ) or ${different}`
}
