import {statement} from '../../src/db/sql.js'
import {today} from './clock.js'
import type {Engine, TestDatabase} from './engines.js'
import {writing} from './server.js'
import {replay} from './schema-replay.js'

/**
 * Twenty days of hours until midnight, in chunks or partitions of a day, with a daily aggregate over them that was
 * never refreshed.
 */
export async function ticks(engine: Engine, last = today): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database, ['core'])
  await database.db.probe()
  const {run} = database
  if (!engine.hypertables) {
    await run('create table public.ticks (time timestamptz not null, v int) partition by range (time)')
    await run(
      `select qicore.create_partition('public.ticks', 'day', day) from generate_series(${last} - interval '20 days', ${last}, interval '1 day') as day`,
    )
  } else {
    await run('create table public.ticks (time timestamptz not null, v int)')
    await run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  }
  await run(
    `insert into public.ticks select at, 1 from generate_series(${last} - interval '20 days', ${last}, interval '1 hour') as at`,
  )
  if (engine.kind === 'timescaledb') {
    await database.autocommit(
      "create materialized view public.daily with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as bucket, count(*) as rows from public.ticks group by 1 with no data",
    )
    return database
  }
  await run('create table qicore.daily_data (bucket timestamptz primary key, rows bigint)')
  await run(`create function qicore.daily_window(timestamptz, timestamptz) returns setof qicore.daily_data language sql stable as
    $$ select date_trunc('day', time), count(*) from public.ticks where time >= $1 and time < $2 group by 1 $$`)
  await run('create view public.daily as select * from qicore.daily_data')
  await run(
    "insert into qicore.aggregates (view, source, data, query, bucket) values ('public.daily', 'public.ticks', 'qicore.daily_data', 'qicore.daily_window', interval '1 day')",
  )
  return database
}

export async function refresh({run, autocommit, db}: TestDatabase, from: string, to: string): Promise<void> {
  if (db.server.engine === 'timescaledb')
    await autocommit(`call refresh_continuous_aggregate('public.daily', ${from}, ${to})`)
  else await run(`select qicore.refresh_aggregate('public.daily', ${from}, ${to})`)
}

export async function agree({run}: TestDatabase, config: Record<string, unknown>): Promise<void> {
  await run(
    "insert into qicore.policies (object, kind, config) values ('public.ticks', 'retention', $1::jsonb || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.ticks', $1::jsonb))))",
    [JSON.stringify(config)],
  )
}

/** The error of the procedure; null if it succeeded. */
export async function retain(
  {db}: Pick<TestDatabase, 'db'>,
  config = '{"object": "public.ticks"}',
): Promise<string | null> {
  try {
    await db.autocommit({...writing, searchPath: 'pg_catalog'}, statement(`call qicore.retain(0, '${config}')`))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

export async function daysLeft({run}: TestDatabase): Promise<number> {
  const [row] = await run<{days: number}>(
    "select count(distinct date_trunc('day', time))::int as days from public.ticks",
  )
  return row!.days
}

export const seven = {after: '7 days', maxDropPerRun: 8}
