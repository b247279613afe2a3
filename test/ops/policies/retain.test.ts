import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'
import {replay} from '../../schema/replay.js'

/** Twenty days of hours, in chunks or partitions of a day, with a daily aggregate over them that has seen nothing. */
async function ticks(engine: Engine, newest = 'now()'): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database, ['core'])
  await database.db.probe()
  const {run} = database
  const last = `date_trunc('day', ${newest})`
  if (engine.kind === 'postgres') {
    await run('create table public.ticks (time timestamptz not null, v int) partition by range (time)')
    await run(`select qicore.create_partition('public.ticks', 'day', day) from generate_series(${last} - interval '20 days', ${last}, interval '1 day') as day`)
  } else {
    await run('create table public.ticks (time timestamptz not null, v int)')
    await run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  }
  await run(`insert into public.ticks select at, 1 from generate_series(${last} - interval '20 days', ${newest}, interval '1 hour') as at`)
  if (engine.kind === 'timescaledb') {
    await database.autocommit("create materialized view public.daily with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as bucket, count(*) as rows from public.ticks group by 1 with no data")
    return database
  }
  await run('create table qicore.daily_data (bucket timestamptz primary key, rows bigint)')
  await run(`create function qicore.daily_window(timestamptz, timestamptz) returns setof qicore.daily_data language sql stable as
    $$ select date_trunc('day', time), count(*) from public.ticks where time >= $1 and time < $2 group by 1 $$`)
  await run('create view public.daily as select * from qicore.daily_data')
  await run("insert into qicore.aggregates (view, source, data, query, bucket) values ('public.daily', 'public.ticks', 'qicore.daily_data', 'qicore.daily_window', interval '1 day')")
  return database
}

async function refresh({run, autocommit, db}: TestDatabase, from: string, to: string): Promise<void> {
  if (db.server.engine === 'timescaledb') await autocommit(`call refresh_continuous_aggregate('public.daily', ${from}, ${to})`)
  else await run(`select qicore.refresh_aggregate('public.daily', ${from}, ${to})`)
}

async function agree({run}: TestDatabase, config: Record<string, unknown>): Promise<void> {
  await run("insert into qicore.policies (object, kind, config) values ('public.ticks', 'retention', $1::jsonb || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.ticks', $1::jsonb))))", [JSON.stringify(config)])
}

/** What the procedure complained of; null where it was content. */
async function retain({db}: TestDatabase, config = '{"object": "public.ticks"}'): Promise<string | null> {
  try {
    await db.autocommit({...writing, searchPath: 'pg_catalog'}, statement(`call qicore.retain(0, '${config}')`))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

async function daysLeft({run}: TestDatabase): Promise<number> {
  const [row] = await run<{days: number}>("select count(distinct date_trunc('day', time))::int as days from public.ticks")
  return row!.days
}

const seven = {after: '7 days', maxDropPerRun: 8}

describe('gated retention', () => {
  forEachEngine({}, (engine) => {
    it('drops nothing that nobody agreed to, and nothing once the row was changed', async () => {
      const database = await ticks(engine)
      expect(await retain(database)).toMatch(/no retention is declared/)
      await agree(database, {...seven, after: '15 days'})
      await refresh(database, "now() - interval '30 days'", 'now()')
      await database.run("update qicore.policies set config = config || '{\"after\": \"7 days\"}'")
      expect(await retain(database)).toMatch(/older than 7 days, at most 8 a run\) is not what was agreed to/)
      await database.run("update qicore.policies set config = config || '{\"after\": \"15 days\"}'")
      expect(await retain(database, '{"object": "public.ticks", "hash": "another"}')).toMatch(/not what was agreed to/)
      expect(await daysLeft(database)).toBe(21)
      expect(await retain(database)).toBeNull()
      expect(await daysLeft(database)).toBe(16)
    })

    it('holds back what an aggregate has not covered, names the range, and takes the rest', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      expect(await retain(database)).toMatch(/13 chunks older than 7 days not dropped: .*public\.daily has not covered/)
      expect(await daysLeft(database)).toBe(21)
      await refresh(database, "date_trunc('day', now()) - interval '12 days'", 'now()')
      expect(await retain(database)).toMatch(/8 chunks older than 7 days not dropped/)
      expect(await daysLeft(database)).toBe(16)
      const steps = await database.run<{status: string; count: number}>('select status, count(*)::int as count from qicore.maintenance_step group by 1 order by 1')
      expect(steps).toEqual([{status: 'done', count: 5}, {status: 'skipped', count: 21}])
    })

    it('never takes more than was agreed in one run, and goes on in the next; the aggregate keeps its history', async () => {
      const database = await ticks(engine)
      await agree(database, {...seven, maxDropPerRun: 5})
      await refresh(database, "now() - interval '30 days'", 'now()')
      const left: number[] = []
      for (let turn = 0; turn < 4; turn += 1) {
        expect(await retain(database)).toBeNull()
        left.push(await daysLeft(database))
      }
      expect(left).toEqual([16, 11, 8, 8])
      await refresh(database, "now() - interval '6 days'", 'now()')
      const [row] = await database.run<{buckets: number}>('select count(*)::int as buckets from public.daily')
      expect(row!.buckets).toBe(20)
    })

    it('leaves everything alone where the newest row is older than the retention: a dead feed is the last copy', async () => {
      const database = await ticks(engine, "now() - interval '10 days'")
      await agree(database, seven)
      await refresh(database, "now() - interval '40 days'", 'now()')
      expect(await retain(database)).toMatch(/a feed that is dead leaves its last copy here/)
      expect(await daysLeft(database)).toBe(21)
      await database.run("insert into qicore.policies (object, kind, config) values ('public.nowhere', 'retention', '{}')")
      expect(await retain(database, '{"object": "public.nowhere"}')).toMatch(/there is no table public\.nowhere/)
    })

    it('sees rows that changed after they were computed', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      await refresh(database, "now() - interval '30 days'", 'now()')
      await database.run("insert into public.ticks values (date_trunc('day', now()) - interval '15 days' + interval '90 minutes', 2)")
      expect(await retain(database)).toMatch(/1 chunk older than 7 days not dropped: .*(has not covered|rows changed after)/)
      await refresh(database, "date_trunc('day', now()) - interval '15 days'", "date_trunc('day', now()) - interval '14 days'")
      expect(await retain(database)).toBeNull()
    })

    it('is asked by the status in the same words', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      const [row] = await database.run<{config: string}>('select config::text as config from qicore.policies')
      const rows = await database.db.query<{relation: string; reason: string | null}>(statement(loadSql('report/policy-gate'), ['public.ticks', row!.config]))
      expect(rows).toHaveLength(13)
      for (const {reason} of rows) expect(reason).toMatch(/public\.daily has not covered/)
    })
  })
})
