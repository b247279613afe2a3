import {expect, it} from 'vitest'
import {readAggregates} from '../../../src/aggregates/list.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {startRelay} from '../../helpers/relay.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const reports: Record<string, (db: Database) => Promise<unknown>> = {
  'policies status': (db) => readPolicyStatus(db, {declared: [], lateAfter: 0}),
  'aggregates list': (db) => readAggregates(db, new Map()),
  stats: (db) => readStats(db, {fast: false, managed: new Set(), timeUnits: new Map(), lateAfter: 0}),
}

/** The round trips of each report on a connection of its own, counted by a relay; connecting takes one of them. */
async function counted({url}: TestDatabase): Promise<Record<string, number>> {
  const relay = await startRelay(url)
  try {
    const counts: Record<string, number> = {}
    for (const [name, report] of Object.entries(reports)) {
      relay.ways()
      const db = await connect(targetOf(relay.url), {applicationName})
      await report(db)
      counts[name] = relay.ways()
      await db.close()
      relay.ways()
    }
    return counts
  } finally {
    await relay.close()
  }
}

/** Connecting, the server, the catalog, clocks of tables, sizes, ends, and whether an old aggregate misses rows. */
const mostOfStats = 7
/** Aggregates have two more steps: what is pending, in whole buckets. */
const most = 9

const later = `initial_start => timestamptz '2100-01-01 00:00+00'`

/** A hypertable with a clock of its own and a retention policy. */
async function addTable({run}: TestDatabase, n: number): Promise<void> {
  await run(`create table public.t${n} (clock bigint not null, v int);
create function public.now${n}() returns bigint language sql stable as 'select 10000::bigint'`)
  await run(`select create_hypertable('public.t${n}', by_range('clock', 1000))`)
  await run(`select set_integer_now_func('public.t${n}', 'public.now${n}')`)
  await run(`insert into public.t${n} select g, 1 from generate_series(0, 9000, 100) g`)
  await run(`select add_retention_policy('public.t${n}', 5000, ${later})`)
}

/** Hypertables, each with an aggregate that is late and whose source has lost rows. */
async function addTables(database: TestDatabase, from: number, to: number): Promise<void> {
  const {run, autocommit} = database
  for (let n = from; n < to; n += 1) {
    await addTable(database, n)
    await run(`create materialized view public.a${n} with (timescaledb.continuous) as
select time_bucket(100, clock) b, count(*) n from public.t${n} group by 1 with no data`)
    await autocommit(`call public.refresh_continuous_aggregate('public.a${n}', 0, 5000)`)
    await run(`select drop_chunks('public.t${n}', 1000)`)
    await run(`select add_continuous_aggregate_policy('public.a${n}', 9000, 100, interval '1 hour', ${later})`)
  }
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('300 tables with 60 aggregates take as many round trips as 2 tables', async () => {
    const database = await engine.database()
    await addTables(database, 0, 2)
    const few = await counted(database)
    expect(few.stats).toBeLessThanOrEqual(mostOfStats)
    await addTables(database, 2, 60)
    for (let n = 60; n < 300; n += 1) await addTable(database, n)
    const many = await counted(database)
    const {aggregates} = await readAggregates(database.db, new Map())
    expect(aggregates.filter(({rawGone, pending}) => rawGone === true && pending !== null)).toHaveLength(60)
    const {policies} = await readPolicyStatus(database.db, {declared: [], lateAfter: 0})
    expect(policies.filter(({kind, due}) => kind === 'refresh' && due !== null && due > 0)).toHaveLength(60)
    expect(policies.filter(({kind}) => kind === 'retention')).toHaveLength(300)
    expect(many).toEqual(few)
    expect(Math.max(...Object.values(many))).toBeLessThanOrEqual(most)
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('300 partitioned tables take as many round trips as 2', async () => {
    const database = await engine.database()
    const add = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1)
        await database.run(`create table public.p${n} (time timestamptz not null) partition by range (time);
create table public.p${n}_old partition of public.p${n} for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00');
insert into public.p${n} values ('2026-01-05 00:00+00')`)
    }
    await add(0, 2)
    const few = await counted(database)
    expect(few.stats).toBeLessThanOrEqual(mostOfStats)
    await add(2, 300)
    const many = await counted(database)
    expect(many).toEqual(few)
  })
})
