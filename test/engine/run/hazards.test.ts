import {describe, expect, it} from 'vitest'
import type {Job} from '../../../src/config/jobs.js'
import {connect} from '../../../src/db/connect.js'
import {runByHand} from '../../../src/jobs/run/run-once.js'
import {readHistory} from '../../../src/jobs/store/history.js'
import {literal, sql, statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import type {Hazard} from '../../../src/run/hazards/hazard.js'
import {compareVersions} from '../../../src/units/version.js'
import {knownHazards} from '../../../src/run/hazards/known.js'
import {requireKnownHazards, unsafeSteps} from '../../../src/run/hazards/refuse.js'
import {uncheckedHazards} from '../../../src/pg-cron/unchecked.js'
import {defaultLimits} from '../../../src/run/limits.js'
import type {Plan, Step} from '../../../src/run/step.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {job, withCore} from '../../helpers/daemon-jobs.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'

const id = 'timescaledb-9339'
const isOld = ({db}: TestDatabase) => compareVersions(db.server.timescaledb!, '2.25.2') < 0

/** A hypertable with one chunk that is compressed, partial and out of order; returns the chunk. */
async function unorderedChunk({run}: TestDatabase): Promise<string> {
  await run('create table public.t (time timestamptz not null, d int, v int)')
  await run("select create_hypertable('public.t', 'time', chunk_time_interval => interval '1 day')")
  await run("insert into public.t values ('2026-01-01 00:10Z', 1, 1), ('2026-01-01 00:20Z', 2, 2)")
  await run(
    "alter table public.t set (timescaledb.compress, timescaledb.compress_segmentby = 'd', timescaledb.compress_orderby = 'time')",
  )
  await run("select compress_chunk(c) from show_chunks('public.t') c")
  await run("insert into public.t values ('2026-01-01 00:05Z', 1, 3)")
  await run('update _timescaledb_catalog.chunk set status = status | 2 where status & 9 = 9')
  const [chunk] = await run<{name: string}>("select c::text as name from show_chunks('public.t') c")
  return chunk!.name
}

const statusOf = async ({run}: TestDatabase) =>
  (await run<{status: number}>('select status from _timescaledb_catalog.chunk where status & 1 = 1')).map(
    ({status}) => status,
  )

function compress(chunk: string): Plan {
  const step: Step = {
    id: `compress ${chunk}`,
    kind: 'compress',
    object: chunk,
    statements: [sql`select public.compress_chunk(${literal(chunk)}::regclass)`],
    lock: 'ACCESS EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [chunk],
    bytes: null,
  }
  const after: Step = {...step, id: 'after', kind: 'analyze', statements: [sql`select 1`], dependsOn: [step.id]}
  return {operation: 'compress', summary: 'compress', cutoff: null, tables: [], locks: [], steps: [step, after]}
}

describe('an operation that a known defect makes unsafe', () => {
  it('is named by an id that is known, and a mistyped one is refused', () => {
    const ids = knownHazards.filter(({unsafe}) => unsafe !== null).map((hazard) => hazard.id)
    expect(ids).toEqual(['timescaledb-10221', 'timescaledb-9571', id])
    requireKnownHazards(ids)
    expect(() => requireKnownHazards(['timescaledb-1'])).toThrow(expect.objectContaining({exitCode: 2}))
  })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('is refused before anything is done, left out where no person waits, and made where it is accepted', async () => {
      const database = await engine.database()
      const {db} = database
      const chunk = await unorderedChunk(database)
      const plan = compress(chunk)
      const options = {limits: defaultLimits, ledger: null}
      if (!isOld(database)) {
        expect(await unsafeSteps(db, plan)).toEqual([])
        expect((await execute(db, plan, options)).steps.map(({status}) => status)).toEqual(['done', 'done'])
        return
      }
      await expect(execute(db, plan, options)).rejects.toMatchObject({
        code: 'HAZARD',
        exitCode: 7,
        message: expect.stringMatching(new RegExp(`${chunk}: .*${id}.*https://`)),
        suggestions: [expect.any(String), `To run it in spite of that: --accept ${id}`],
      })
      expect(await statusOf(database)).toEqual([11])
      const left = await execute(db, plan, {...options, onUnsafe: 'skip'})
      expect(left.steps.map(({status, reason}) => [status, reason])).toEqual([
        ['skipped', {code: 'refused', hazard: id}],
        ['skipped', {code: 'needs', step: plan.steps[0]!.id}],
      ])
      expect(await statusOf(database)).toEqual([11])
      const limits = {...defaultLimits, acceptedHazards: [id]}
      expect((await execute(db, plan, {...options, limits})).steps.map(({status}) => status)).toEqual(['done', 'done'])
      // The defect itself: the mark is gone although only one segment was sorted.
      expect(await statusOf(database)).toEqual([1])
    })

    it('of a refresh by hand is asked only of aggregates of TimescaleDB', async () => {
      const {db, run} = await engine.database()
      await run('create table public.m (time timestamptz not null, v int)')
      await run("select create_hypertable('public.m', 'time')")
      await run(
        "create materialized view public.a with (timescaledb.continuous) as select time_bucket('1 day', time) as day, sum(v) from public.m group by 1 with no data",
      )
      const everyVersion = (number: number): Hazard => ({
        ...knownHazards.find((hazard) => hazard.id === `timescaledb-${number}`)!,
        since: null,
        fixedIn: ['99.0'],
      })
      const refresh = (object: string): Step => ({...compress('x').steps[0]!, id: object, kind: 'refresh', object})
      const steps = [refresh('public.a'), refresh('public.m')]
      const asked = {...everyVersion(10221), unsafe: {...everyVersion(10221).unsafe!, since: null}}
      expect((await unsafeSteps(db, {steps}, [asked])).map(({step}) => step.object)).toEqual(['public.a'])
      const pgCron = (hazard: Hazard, parts: string[], acceptedHazards: string[] = []) =>
        uncheckedHazards(db, {kind: 'refresh', name: 'refresh'}, parts, {acceptedHazards}, [hazard])
      expect(await pgCron(asked, ['public.a', 'public.m'])).toEqual({
        obstacles: [
          expect.stringMatching(/^each run would meet the known defect timescaledb-10221 \(https:.* at public\.a: /),
        ],
        notes: [],
      })
      expect(await pgCron(asked, ['public.m'])).toEqual({obstacles: [], notes: []})
      expect(await pgCron(asked, ['public.a'], ['timescaledb-10221'])).toEqual({obstacles: [], notes: []})
      // Whether the refresh policy is running is known only at the time of a run.
      expect(await pgCron(everyVersion(9571), ['public.a'])).toEqual({
        obstacles: [],
        notes: [expect.stringMatching(/^refresh: its calls do not check for the known defect timescaledb-9571/)],
      })
      // No refresh job is running.
      expect(await unsafeSteps(db, {steps}, [everyVersion(9571)])).toEqual([])
    })
  })

  forEachEngine({kinds: ['timescaledb'], native: false}, (engine) => {
    it('is recorded as refused with its id by a job, which does the rest', async (context) => {
      const database = await engine.database()
      if (!isOld(database)) context.skip('this version has the fix')
      const {db, run} = database
      await unorderedChunk(database)
      await run("insert into public.t values ('2026-01-02 00:10Z', 1, 1)")
      await run("select add_compression_policy('public.t', interval '1 day', initial_start => '2100-01-01')")
      await withCore(database)
      const night = {...job('night'), kind: 'compress', options: {tables: ['public.t']}} as Job
      const never = new AbortController().signal
      await runByHand(db, night, {
        context: {limits: defaultLimits, sections: {tables: {}, aggregates: {}}, partitions: () => []},
        actor: 'tester',
        version: '0',
        now: Date.UTC(2026, 5, 1),
        skewed: false,
        stop: never,
        cancel: never,
        onProgress: () => {},
      })
      const [recorded] = await readHistory(db, {jobs: ['night'], since: null, statuses: null, limit: 1})
      expect(recorded).toMatchObject({
        status: 'failed',
        reason: 'refused',
        error: expect.stringContaining(id),
        detail: {refused: [id], steps: {done: 1, skipped: 1}},
      })
      expect((await statusOf(database)).sort()).toEqual([1, 11])
    })
  })

  forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
    it('of a refresh is seen while the refresh policy of the aggregate is running', async () => {
      const {db, run, target} = await engine.database()
      await run('create table public.m (time timestamptz not null, v int)')
      await run("select create_hypertable('public.m', 'time')")
      await run(
        "create materialized view public.a with (timescaledb.continuous) as select time_bucket('1 day', time) as day, sum(v) from public.m group by 1 with no data",
      )
      await run("insert into public.m values ('2026-01-01Z', 1), ('2026-01-02Z', 1)")
      const hazard = knownHazards.find((each) => each.id === 'timescaledb-9571')!
      const asked = {...hazard, fixedIn: ['99.0']}
      const steps = [{...compress('x').steps[0]!, id: 'refresh', kind: 'refresh', object: 'public.a'}]
      const holder = await connect(target, {applicationName: 'loader'})
      try {
        await holder.transaction({...writing, lockTimeout: 1_000}, async (tx) => {
          await tx.query(statement('lock table public.m in access exclusive mode'))
          await run("select add_continuous_aggregate_policy('public.a', null, interval '1 hour', interval '1 hour')")
          const unsafe = async () => (await unsafeSteps(db, {steps}, [asked])).map(({step}) => step.id)
          await expect.poll(unsafe, {timeout: 60_000}).toEqual(['refresh'])
        })
      } finally {
        await holder.close()
      }
    })

    it('is refused by its command with exit 7, and asks for the name of the target where it is accepted', async (context) => {
      let old = false
      const url = await engine.urlFor(async (database) => {
        old = isOld(database)
        await unorderedChunk(database)
      })
      if (!old) context.skip('this version has the fix')
      const run = (...more: string[]) =>
        runCli(['chunks', 'compress', 't', '--to', '2026-01-03', '--json', '--url', url, ...more])
      const refused = await run()
      expectExit(refused, 7)
      expect(jsonOf(refused)).toMatchObject({error: {code: 'HAZARD', message: expect.stringContaining(id)}})
      const asked = await run('--accept', id)
      expectExit(asked, 7)
      expect(jsonOf(asked)).toMatchObject({error: {code: 'NOT_CONFIRMED'}})
      const done = await run('--accept', id, '--confirm', new URL(url).pathname.slice(1))
      expectExit(done, 0)
      expect(jsonOf(done)).toMatchObject({hazards: [{id, accepted: true}], steps: expect.any(Array)})
    })
  })
})
