import {planRefresh, type PlannedRefresh, type RefreshRequest} from '../../src/aggregates/plan-refresh.js'
import type {Span} from '../../src/catalog/span.js'
import {execute} from '../../src/run/execute.js'
import type {Plan, RunReport} from '../../src/run/step.js'
import type {Database} from '../../src/db/database.js'
import {readChunks, readTables} from '../../src/catalog/read-tables.js'
import {clocksAt} from './table-clocks.js'
import {qualifiedName, type Table} from '../../src/catalog/table.js'
import {microsOf} from '../../src/catalog/time.js'
import type {TestDatabase} from './engines.js'
import {quick} from './run-steps.js'

/** Every table of the database with its chunks, as commands read them. */
export async function tablesOf(db: Database): Promise<Map<string, Table>> {
  const tables = await readTables(db)
  await readChunks(db, tables)
  return new Map(tables.map((table) => [qualifiedName(table), table]))
}

/** `2024-01-01` and `2024-02-01T05:00:00Z` on the scale of a table on time. */
export function span(from: string, to: string): Span {
  return {start: micros(from), end: micros(to)}
}

export function micros(text: string): bigint {
  return microsOf(text.includes('T') ? text : `${text}T00:00:00Z`)
}

export async function refreshPlan(
  db: Database,
  view: string,
  over: Partial<RefreshRequest> = {},
): Promise<PlannedRefresh> {
  const aggregate = (await tablesOf(db)).get(view)!
  const clock = (await clocksAt(db, [aggregate], '2030-01-01T00:00:00Z')).get(aggregate)!
  return planRefresh(db, {aggregate, clock, span: null, policies: [], acceptLoss: false, ...over})
}

export function run(db: Database, plan: Plan, workers = 1): Promise<RunReport> {
  return execute(db, plan, {limits: quick, ledger: null, workers})
}

export const stepResults = ({steps}: RunReport) =>
  steps.map(({id, status, error}) => `${id}: ${status}${error === null ? '' : ` (${error})`}`)

/** Ten days of rows, ten minutes apart, in chunks of a day: `m`, and `a` with hourly buckets. */
export async function hourly({run: query}: TestDatabase, more = ''): Promise<void> {
  await query(`create table m (time timestamptz not null, dev int not null, v int not null);
select create_hypertable('m', 'time', chunk_time_interval => interval '1 day');
create materialized view a with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 hour', time) as bucket, dev, sum(v) as total, count(*) as n from m group by 1, 2 with no data;
insert into m select t, d, 1 from generate_series('2024-01-01+00'::timestamptz, '2024-01-10 23:50+00', '10 min') t, generate_series(1, 2) d;${more}`)
}
