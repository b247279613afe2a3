import {expect, it} from 'vitest'
import {parseInstant} from '../../../src/units/instant.js'
import {instantsBetween} from '../../../src/units/range.js'
import {readAggregates} from '../../../src/aggregates/list.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {renderAggregates} from '../../helpers/rendered.js'
import {notDuringTheTest} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {drop} from '../../helpers/chunks.js'
import {hourly, refreshPlan, run, span} from '../../helpers/aggregates.js'

const look = {width: 200, color: false, headers: true}

it('compares the bounds of a range to the microsecond', () => {
  const at = (text: string) => ({unit: 'instant' as const, instant: parseInstant(text)})
  const range = instantsBetween(at('2023-01-05T00:00:00Z') as never, at('2023-01-05T00:00:00.000001Z') as never)
  expect(range.to).toBe('2023-01-05T00:00:00.000001Z')
  expect(() =>
    instantsBetween(at('2023-01-05T00:00:00.000001Z') as never, at('2023-01-05T00:00:00.000001Z') as never),
  ).toThrow(/is not before/)
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('everything is pending of an aggregate that was never refreshed', async () => {
    const database = await engine.database()
    await hourly(database)
    const {aggregates} = await readAggregates(database.db, new Map())
    expect(aggregates[0]).toMatchObject({
      watermark: null,
      pending: {ranges: 1, from: '2024-01-01T00:00:00Z', to: '2024-01-11T00:00:00Z'},
    })
  })

  it('shows the whole bucket of a single late row, in the form that aggregates refresh accepts', async () => {
    const database = await engine.database()
    await hourly(database)
    await run(database.db, (await refreshPlan(database.db, 'public.a', {span: span('2024-01-01', '2024-01-11')})).plan)
    await database.run("insert into m values ('2024-01-05 12:34:56.123456+00', 1, 7)")
    const report = await readAggregates(database.db, new Map())
    expect(report.aggregates[0]!.pending).toEqual({ranges: 1, from: '2024-01-05T12:00:00Z', to: '2024-01-05T13:00:00Z'})
    expect(renderAggregates(report, look)).toContain(
      'aggregates refresh a --from 2024-01-05T12:00:00Z --to 2024-01-05T13:00:00Z --dry-run',
    )
  })

  it('lists an aggregate over integers whose last invalidation ends at the maximum of bigint', async () => {
    const database = await engine.database()
    await database.run(`create table bi (a bigint not null, v int); select create_hypertable('bi', 'a', chunk_time_interval => 10);
create function bi_now() returns bigint language sql stable as 'select coalesce(max(a), 0) from public.bi'; select set_integer_now_func('bi', 'bi_now');
create materialized view bia with (timescaledb.continuous) as select time_bucket(1::bigint, a) as b, sum(v) from bi group by 1 with no data;
insert into bi values (9223372036854775806, 1)`)
    await database.autocommit("call refresh_continuous_aggregate('bia', null, null)")
    const {aggregates} = await readAggregates(database.db, new Map())
    expect(aggregates.map(({view}) => view)).toEqual(['bia'])
  })

  it('a refresh names the integer_now function that fails, instead of a missing unit', async () => {
    const database = await engine.database()
    await database.run(`create table n (a bigint not null); select create_hypertable('n', 'a', chunk_time_interval => 10);
create function n_now() returns bigint language sql stable as 'select max(a) from n'; select set_integer_now_func('n', 'n_now');
create materialized view na with (timescaledb.continuous) as select time_bucket(1::bigint, a) as b, count(*) from n group by 1 with no data;
insert into n select generate_series(1, 100)`)
    const refresh = () => refreshPlan(database.db, 'public.na', {span: {start: 1n, end: 50n}})
    await expect(refresh()).rejects.toMatchObject({
      code: 'NO_CLOCK',
      message: expect.stringContaining('public.n_now(), fails with search_path = pg_catalog'),
    })
    await database.run(
      "create or replace function n_now() returns bigint language sql stable as 'select max(a) from public.n'",
    )
    expect((await refresh()).plan.steps.length).toBeGreaterThan(0)
  })

  it('an open start of a refresh policy does not make the time before the first row not done', async () => {
    const database = await engine.database()
    await hourly(database)
    await database.autocommit("call refresh_continuous_aggregate('a', null, null)")
    await database.run(
      `select add_continuous_aggregate_policy('a', null, interval '1 hour', interval '30 min', initial_start => ${notDuringTheTest})`,
    )
    const {policies} = await readPolicyStatus(database.db, {declared: [], lateAfter: 0} as never)
    expect(policies.map(({kind, notDone}) => [kind, notDone])).toEqual([['refresh', []]])
    await database.run("insert into m values ('2024-01-05 12:30+00', 1, 7)")
    const changed = await readPolicyStatus(database.db, {declared: [], lateAfter: 0} as never)
    expect(changed.policies[0]!.notDone).toHaveLength(1)
  })

  it('the preview of a drop says that a query with a condition does not contain all rows', async () => {
    const database = await engine.database()
    await hourly(
      database,
      `create materialized view one_device with (timescaledb.continuous) as
  select time_bucket(interval '1 hour', time) as bucket, count(*) from m where dev = 1 group by 1 with no data`,
    )
    for (const view of ['a', 'one_device'])
      await database.autocommit(`call refresh_continuous_aggregate('${view}', null, null)`)
    const {facts} = await drop(database.db, 'public.m', '2024-01-03T00:00:00Z')
    expect([...facts.filters].map(([{view}, filters]) => [view, filters])).toEqual([
      ['a', false],
      ['one_device', true],
    ])
  })
})
