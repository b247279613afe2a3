import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {ident, sql} from '../../../src/db/sql.js'
import {openStore} from '../../../src/export/store.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {daysAgo, monthsAhead, today} from '../../helpers/clock.js'
import {configOf, daemonIn, type DaemonProcess} from '../../helpers/daemon-process.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {startS3, type S3Store} from '../../helpers/s3.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

let store: S3Store
/** What an operator sets: the settings of the exports have neither endpoint nor region. */
const env = () => ({...store.credentials, AWS_ENDPOINT_URL_S3: store.endpoint, AWS_REGION: 'us-east-1'})
beforeAll(async () => {
  store = await startS3()
  // For the test itself, which reads the files back.
  for (const [name, value] of Object.entries(store.credentials)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await store.close()
})

/** Confirms the policies of a configuration, and starts a daemon that carries them out every second. */
async function confirmed({url}: Pick<TestDatabase, 'url'>, tables: object): Promise<() => DaemonProcess> {
  const config = JSON.parse(configOf(url, {retain: {schedule: '* * * * * *'}})) as object
  const cwd = directoryWith({'qicore-db.config.yaml': JSON.stringify({...config, tables})})
  const apply = await runCli(['policies', 'apply', '--target', 'test', '--confirm', 'test'], {cwd, env: env()})
  expectExit(apply, 0)
  return () => daemonIn(cwd, [], env())
}

/** Runs the daemon until a query that returns `done` says so. */
async function until(start: () => DaemonProcess, {run}: TestDatabase, query: string): Promise<void> {
  const daemon = start()
  const seen = new Set<unknown>()
  try {
    for (let done: boolean | undefined = false; done !== true; ) {
      const {time} = await daemon.event('occurrence_ended', (line) => !seen.has(line.time))
      seen.add(time)
      done = (await run<{done: boolean}>(query))[0]?.done
    }
  } finally {
    daemon.child.kill('SIGTERM')
    await daemon.ended
  }
}

async function bytesIn(name: string): Promise<number | null> {
  const settings = {to: store.bucket, format: 'csv', endpoint: store.endpoint, region: 'us-east-1'} as const
  const place = await openStore(settings, {})
  try {
    return await place.size(name)
  } finally {
    place.close()
  }
}

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('a daemon exports chunks to the store that its environment names, and then drops them', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (time timestamptz not null, v int);
select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day');
insert into ticks select at, 1 from generate_series(${daysAgo(12)}, ${today}, interval '6 hours') at`)
    const [oldest] = await database.run<{chunk: string}>(
      "select format('%I.%I', chunk_schema, chunk_name) as chunk from timescaledb_information.chunks where hypertable_name = 'ticks' order by range_start limit 1",
    )
    const to = `${store.bucket}/chunks`
    const start = await confirmed(database, {
      'public.ticks': {retention: {after: '9 days', export: {to, format: 'csv'}}},
    })
    await until(start, database, `select min(time) = ${daysAgo(9)} as done from ticks`)
    const {database: name} = database.db.server
    expect(await bytesIn(`chunks/${name}/public.ticks/${oldest!.chunk}.csv`)).toBeGreaterThan(4 * 20)
  }, 90_000)
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a daemon detaches, exports to the store of its environment, moves to a tablespace and drops', async () => {
    const database = await engine.database()
    const space = `space_${Math.random().toString(36).slice(2)}`
    const admin = await connect(targetOf(`${database.url}?options=-c%20allow_in_place_tablespaces%3Don`), {
      applicationName,
    })
    try {
      await admin.autocommit(writing, sql`create tablespace ${ident(space)} location ''`)
      await database.run(`create table ticks (time timestamptz not null, v int) partition by range (time);
create table old_1 partition of ticks for values from ('2000-01-01+00') to ('2001-01-01+00');
create table old_2 partition of ticks for values from ('2010-01-01+00') to ('2011-01-01+00');
create table new partition of ticks for values from (${monthsAhead(-2)}) to (${monthsAhead(2)});
create index on ticks (v);
insert into ticks values ('2000-05-01+00', 1), ('2010-05-01+00', 2), (${today}, 3)`)
      const archive = {after: '8 years', tablespace: space, export: {to: `${store.bucket}/stages`, format: 'csv'}}
      const start = await confirmed(database, {
        'public.ticks': {
          partitions: {every: 'year', ahead: 0},
          retention: {detach: '5 years', archive, drop: '24 years'},
        },
      })
      await until(
        start,
        database,
        `select to_regclass('old_1') is null and bool_and(t.spcname = '${space}') as done
from pg_class c left join pg_tablespace t on t.oid = c.reltablespace
where c.oid = to_regclass('old_2') or c.oid in (select indexrelid from pg_index where indrelid = to_regclass('old_2'))`,
      )
      expect(await database.run('select v from old_2')).toEqual([{v: 2}])
      const {database: name} = database.db.server
      for (const part of ['old_1', 'old_2'])
        expect(await bytesIn(`stages/${name}/public.ticks/public.${part}.csv`)).toBeGreaterThan(20)
    } finally {
      await database.run('drop table if exists ticks, old_2')
      await admin.autocommit(writing, sql`drop tablespace if exists ${ident(space)}`)
      await admin.close()
    }
  }, 90_000)
})
