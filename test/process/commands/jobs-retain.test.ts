import {describe, expect, it} from 'vitest'
import {runJobOnce} from '../../../src/cli/run-job.js'
import {jobsOf, jobsSchema} from '../../../src/config/jobs.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {agree, daysLeft, seven} from '../../helpers/policies-ticks.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'

const jobs = {retain: {schedule: '30 2 * * *', tables: ['public.ticks']}}
/** This machine's clock with an offset in milliseconds, in the process that gets this environment. */
const ahead = (ms: number) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`const now=Date.now.bind(Date);Date.now=()=>now()+${ms}`)}`,
})

/** Partitions of 21 days, with a confirmed gated retention of seven. */
async function consentValid(engine: Engine): Promise<TestDatabase> {
  const database = await withCore(await engine.database())
  const {run} = database
  await run('create table public.ticks (time timestamptz not null) partition by range (time)')
  await run(
    `select qicore.create_partition('public.ticks', 'day', ${today} - n * interval '1 day') from generate_series(0, 20) as n`,
  )
  await run(`insert into public.ticks select ${today} - n * interval '1 day' from generate_series(0, 20) as n`)
  await agree(database, seven)
  return database
}

describe('jobs run retain', () => {
  forEachEngine({}, (engine) => {
    it('does not mistake the time until the confirmation for clock skew', async () => {
      const database = await consentValid(engine)
      const result = await runJobOnce(
        database.db,
        jobsOf(jobsSchema.parse(jobs)).find(({name}) => name === 'retain')!,
        {
          flags: {'dry-run': false, yes: true, confirm: database.db.server.database},
          config: null,
          limits: defaultLimits,
          version: '0',
          // The clock was read when the command connected; the answer to its prompt takes years.
          at: '2020-03-01T00:00:00Z',
          interactive: false,
          json: true,
          quiet: true,
          sql: true,
          print: () => {},
          printRaw: () => {},
          report: () => {},
        },
      )
      expect(result).toMatchObject({status: 'done', error: null, exitCode: 0})
      expect(await daysLeft(database)).toBe(13)
    })
  })

  forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
    it('names the table and its partitions once where something holds them back', async () => {
      const database = await consentValid(engine)
      await database.run('alter table public.ticks add primary key (time)')
      await database.run('create table public.notes (at timestamptz references public.ticks (time))')
      await database.run(`insert into public.notes values (${today} - interval '20 days')`)
      const cwd = directoryWith({
        'qicore-db.config.yaml': JSON.stringify({version: 1, targets: {test: {url: database.url}}, jobs}),
      })
      const result = await runCli(['jobs', 'run', 'retain', '--target', 'test', '--confirm', 'test', '--json'], {cwd})
      const {steps} = jsonOf<{steps: {id: string; error: string | null}[]}>(result)
      expect(steps.find(({id}) => id === 'retain public.ticks')!.error).toMatch(
        /^public\.ticks: \d+ partitions? older than 7 days not dropped: /,
      )
    })

    it('is refused with a code and a suggestion if the clocks differ', async () => {
      const database = await consentValid(engine)
      const {url} = database
      const cwd = directoryWith({
        'qicore-db.config.yaml': JSON.stringify({version: 1, default: 'test', targets: {test: {url}}, jobs}),
      })
      const result = await runCli(['jobs', 'run', 'retain', '--confirm', 'test', '--json'], {cwd, env: ahead(90_000)})
      expectExit(result, 7)
      const {error} = jsonOf<{error: {code: string; message: string; suggestions: string[]}}>(result)
      expect(error.code).toBe('CLOCK_SKEW')
      expect(error.message).toMatch(/clock is (89|90)\.?\d* s ahead of the server's/)
      expect(error.suggestions.at(-1)).toBe('Then run it again: qicore-db jobs run retain')
      expect(await daysLeft(database)).toBe(21)
    })
  })
})
