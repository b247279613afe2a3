import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {releaseEngines} from '../../helpers/cli-hosts.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {exportedFiles} from '../../helpers/exported-rows.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'

/** How many runs are killed; an operator can try more. */
const kills = Number(process.env.QICORE_TEST_KILLS ?? 4)

/** Twenty chunks of a day until today, with that many rows an hour. */
const chunksOf = (rows: number) => `create table ticks (time timestamptz not null, v int);
select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day');
insert into ticks select at, n from generate_series(${daysAgo(20)}, ${today}, interval '1 hour') at, generate_series(1, ${rows}) n`

interface Steps {
  steps: {id: string; kind?: string; status: string}[]
}

function program(url: string, to: string, retention = '{after: 12 days, export: {to: PLACE, format: csv}}') {
  const cwd = directoryWith({
    'qicore-db.config.yaml': `version: 1
targets: {market: {url: '${url}'}}
tables: {public.ticks: {retention: ${retention.replace('PLACE', to)}}}
`,
  })
  const cli = (...args: string[]) => runCli([...args, '--target', 'market'], {cwd})
  const json = async <T>(...args: string[]) => jsonOf<T>(await cli(...args, '--json'))
  return {cwd, cli, json}
}

/** The rows in the files of a place, sorted. */
function exportedRows(to: string): string[] {
  return readdirSync(to, {recursive: true, withFileTypes: true})
    .filter(({name}) => name.endsWith('.csv'))
    .flatMap(({name, parentPath}) => readFileSync(join(parentPath, name), 'utf8').trim().split('\n').slice(1))
    .sort()
}

const words = (text: string) => text.replaceAll(/\s+/g, ' ')

const url = async (engine: Engine, fill: (database: TestDatabase) => Promise<unknown>) => {
  await releaseEngines()
  return engine.urlFor(fill)
}

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('a declared retention exports each chunk before it drops it: plan, apply, job, status, import', async () => {
    const to = temporaryDirectory()
    const native = engine.kind === 'timescaledb' ? `; select add_retention_policy('ticks', interval '900 days')` : ''
    const {cli, json} = program(await url(engine, ({run}) => run(chunksOf(2) + native)), to)
    const planned = await json<Steps & {notes: string[]}>('policies', 'plan')
    expect(planned.notes.join('\n')).toMatch(/public\.ticks: its retention exports rows .*cannot write files/)
    expect(planned.steps.map(({id}) => id)).toEqual(['retention of public.ticks'])
    expectExit(await cli('policies', 'apply', '--yes'), 7)
    expectExit(await cli('policies', 'apply', '--confirm', 'market'), 0)
    // Neither TimescaleDB's own policy nor a job of its scheduler is beside it.
    const status = async () =>
      (
        await json<{policies: {kind: string; live: object; due: number; runner: string; jobId: number | null}[]}>(
          'policies',
          'status',
        )
      ).policies
    expect(await status()).toMatchObject([
      {kind: 'retention', live: {after: '12 days', export: `csv to ${to}`}, due: 8, runner: 'none', jobId: null},
    ])
    expect((await json<Steps>('policies', 'plan')).steps).toEqual([])
    expect((await cli('policies', 'import')).stdout.replaceAll(/[\s{},]+/g, ' ')).toContain(
      `retention: after: 12 days export: to: ${to} format: csv`,
    )
    expectExit(await cli('jobs', 'run', 'retain', '--dry-run'), 0)
    expect(exportedRows(to)).toEqual([])
    expectExit(await cli('jobs', 'run', 'retain', '--yes'), 7)
    const done = await json<Steps>('jobs', 'run', 'retain', '--confirm', 'market')
    expect(done.steps.map(({id, status: result}) => `${id.split(' ')[0]} ${result}`)).toEqual([
      ...Array.from({length: 8}, () => 'export done'),
      ...Array.from({length: 8}, () => 'drop done'),
    ])
    // Eight days of 24 hours, two rows each.
    expect(exportedRows(to)).toHaveLength(8 * 24 * 2)
    expect((await status())[0]).toMatchObject({due: 0, ok: true})
    expect((await json<Steps>('jobs', 'run', 'retain', '--confirm', 'market')).steps).toEqual([])
  })

  it('a hypertable by UUIDv7 is exported and dropped as one by a time', async (context) => {
    const to = temporaryDirectory()
    let hasUuid = true
    const where = await url(engine, async ({run}) => {
      const [found] = await run<{found: boolean}>(
        "select exists (select from pg_proc where proname = 'to_uuidv7') as found",
      )
      hasUuid = found!.found
      if (!hasUuid) return
      await run(`create table ticks (id uuid not null, v int); select create_hypertable('ticks', by_range('id', interval '1 day'));
insert into ticks select to_uuidv7(at), extract(epoch from at) / 3600 from generate_series(${daysAgo(20)}, ${today}, interval '1 hour') at`)
    })
    if (!hasUuid) return context.skip('this TimescaleDB has no UUIDv7 keys')
    const {cli, json} = program(where, to)
    expectExit(await cli('policies', 'apply', '--confirm', 'market'), 0)
    expectExit(await cli('jobs', 'run', 'retain', '--dry-run'), 0)
    expect(exportedRows(to)).toEqual([])
    const {steps} = await json<Steps>('jobs', 'run', 'retain', '--confirm', 'market')
    expect(steps.map(({status}) => status)).toEqual(Array.from({length: 16}, () => 'done'))
    // Eight days of 24 hours: each hour is in the files or in the table, never in both.
    expect(new Set(exportedRows(to).map((line) => line.split(',')[1])).size).toBe(8 * 24)
    expect((await json<Steps>('jobs', 'run', 'retain', '--confirm', 'market')).steps).toEqual([])
  })

  it('chunks drop without an age does what the policy says, its export included', async () => {
    const to = temporaryDirectory()
    const {cli, json} = program(await url(engine, ({run}) => run(chunksOf(1))), to)
    const dry = await cli('chunks', 'drop', 'ticks', '--older-than', '15d', '--dry-run')
    expect(words(dry.stderr)).toMatch(/exports chunks to .* before it drops them; this drop does not/)
    const {steps} = await json<Steps>('chunks', 'drop', 'ticks', '--confirm', 'market')
    expect(steps.filter(({id}) => id.startsWith('export'))).toHaveLength(8)
    expect(exportedRows(to)).toHaveLength(8 * 24)
  })

  it('refuses an export where it has no meaning, and names the mistake', async () => {
    const place = temporaryDirectory()
    const where = await url(engine, ({run}) =>
      run('create table ticks (time timestamptz not null) partition by range (time)'),
    )
    const native = program(where, place, '{after: 1y, native: true, export: {to: PLACE}}')
    expect(words((await native.cli('config', 'show')).stderr)).toMatch(/native retention is TimescaleDB's own/)
    const staged = program(where, place, '{detach: 1y, drop: 2y, export: {to: PLACE}}')
    expect(words((await staged.cli('config', 'show')).stderr)).toMatch(/with stages, write it as archive/)
    const set = await program(where, place).cli('policies', 'plan')
    expectExit(set, 2)
    expect(words(set.stderr)).toMatch(/its partitions are exported in stages/)
  })
})

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('a routine in the database refuses it and drops nothing', async () => {
    const database = await engine.database()
    await database.run(chunksOf(1))
    const {cli} = program(database.url, temporaryDirectory())
    expectExit(await cli('policies', 'apply', '--confirm', 'market'), 0)
    await expect(database.autocommit(`call qicore.retain(0, '{"object": "public.ticks"}')`)).rejects.toThrow(
      /exported before they are dropped, and a routine in the database cannot write files; nothing was dropped/,
    )
    expect(await database.run('select count(distinct time::date)::int as days from ticks')).toEqual([{days: 21}])
  })

  it.each(['csv', 'parquet'])(
    'a run that exports as %s and is killed again and again loses and doubles no row, and the next run finishes it',
    async (format) => {
      const database = await engine.database()
      await database.run(chunksOf(400))
      const to = temporaryDirectory()
      const started = program(database.url, to, `{after: 12 days, export: {to: PLACE, format: ${format}}}`)
      expectExit(await started.cli('policies', 'apply', '--confirm', 'market'), 0)
      const exported = async () => [...(await exportedFiles(to)).values()].flat()
      const all = async () => {
        const rows = await database.run<{text: string}>(
          "select v || ' ' || extract(epoch from time) as text from ticks",
        )
        const files = (await exported()).map(({time, v}) => {
          const text = time instanceof Date ? time.toISOString() : String(time).replace(' ', 'T').replace('+00', 'Z')
          return `${Number(v)} ${Date.parse(text) / 1000}`
        })
        return new Set([...rows.map(({text}) => text.replace(/\.0+$/, '')), ...files]).size
      }
      const before = await all()
      let interrupted = 0
      for (const delay of fc.sample(fc.integer({min: 0, max: 900}), {numRuns: kills, seed: 15})) {
        // The claim of a job would keep the next run away for two minutes.
        const args = ['chunks', 'drop', 'ticks', '--confirm', 'market', '--target', 'market']
        const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {
          cwd: started.cwd,
          env: {PATH: process.env.PATH ?? '', HOME: started.cwd},
          stdio: 'ignore',
        })
        const working =
          "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/chunks%'"
        while ((await database.run(working)).length === 0 && child.exitCode === null) await sleep(5)
        await sleep(delay)
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        if (child.signalCode !== null) interrupted += 1
        while ((await database.run(working)).length > 0) await sleep(20)
        expect(await all()).toBe(before)
      }
      expect(interrupted).toBeGreaterThan(0)
      expectExit(await started.cli('jobs', 'run', 'retain', '--confirm', 'market'), 0)
      expect(await database.run('select count(distinct time::date)::int as days from ticks')).toEqual([{days: 13}])
      expect([await all(), (await exported()).length]).toEqual([before, 8 * 24 * 400])
    },
    300_000,
  )
})
