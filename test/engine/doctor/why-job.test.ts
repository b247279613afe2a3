import {describe, expect, it} from 'vitest'
import type {Job} from '../../../src/config/jobs.js'
import {statement} from '../../../src/db/sql.js'
import {explainJob} from '../../../src/doctor/why/explain-job.js'
import type {JobExplanation} from '../../../src/doctor/why/explanation.js'
import {claimNow} from '../../../src/jobs/store/claims.js'
import {heartbeat, unregisterDaemon} from '../../../src/jobs/store/daemons.js'
import {declare, setState} from '../../../src/jobs/store/ledger-jobs.js'
import {finish} from '../../../src/jobs/store/results.js'
import {stepLedger} from '../../../src/jobs/store/step-log.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {stepReport} from '../../../src/run/step-report.js'
import {transactionTime} from '../../helpers/clock.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'
import {followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {applicationName} from '../../helpers/server.js'

const yearly = job('yearly', {schedule: '0 0 1 1 *'})
const daemon = identity('host:1:abc')

async function why({db}: TestDatabase, name: string, jobs: readonly Job[] = [yearly]): Promise<JobExplanation> {
  const [clock] = await db.query<{now: string}>(statement(`select ${transactionTime} as now`))
  const at = clock!.now
  const context = {now: at, limits: defaultLimits, sections: {tables: {}, aggregates: {}}, partitions: () => []}
  return (await explainJob(db, {name, jobs, context, applicationName, at})).job
}

const about = ({evidence}: JobExplanation, topic: string) =>
  evidence.filter((each) => each.topic === topic).map(({message}) => message)

describe('jobs why', () => {
  forEachEngine({}, (engine) => {
    it('finds that no daemon runs, that a job is paused, and why a run failed, each before what follows from it', async () => {
      const database = await engine.database()
      const {db} = database
      expect(await why(database, 'yearly')).toMatchObject({
        name: 'yearly',
        runner: 'daemon',
        ok: false,
        cause: {code: 'no_daemon', fix: {kind: 'command', text: expect.stringMatching(/^qicore-db daemon/)}},
      })

      await withCore(database)
      await declare(db, [yearly], 'ada')
      await heartbeat(db, daemon)
      const sound = await why(database, 'yearly')
      expect(sound).toMatchObject({ok: true, cause: null})
      expect(about(sound, 'schedule')[0]).toMatch(/^"0 0 1 1 \*" in UTC: last due \d{4}-01-01.*; the next run is in /)
      expect(about(sound, 'runner')[0]).toMatch(/^Run by daemon: host:1:abc \(last heartbeat .* ago\)\.$/)
      expect(about(sound, 'work')[0]).toBe('A run now would do 1 step: sql yearly.')

      const claim = await claimNow(db, yearly, daemon, 60)
      const failed = {...stepReport({id: 'sql yearly'}, 'failed', 1), error: 'permission denied', sqlState: '42501'}
      await stepLedger(db, claim, 0, defaultLimits).stepEnded(0, failed)
      await finish(db, claim, {status: 'failed', error: 'sql yearly: permission denied'})
      const broken = await why(database, 'yearly')
      expect(broken.cause).toMatchObject({
        code: 'last_error',
        message: expect.stringContaining('permission denied'),
        fix: {text: expect.stringMatching(/^qicore-db jobs run yearly/)},
      })
      expect(about(broken, 'run')[0]).toMatch(/: failed: sql yearly: permission denied \[42501\]\.$/)

      await setState(db, 'yearly', 'paused', 'bob', 'release 4.2')
      const paused = await why(database, 'yearly')
      expect(paused.cause).toMatchObject({code: 'paused', fix: {text: 'qicore-db jobs resume yearly'}})
      expect(paused.cause!.message).toContain('by bob: release 4.2')

      await unregisterDaemon(db, daemon)
      await setState(db, 'yearly', 'active', 'bob', null)
      const stopped = await why(database, 'yearly')
      expect(stopped.cause?.code).toBe('no_daemon')
      expect(about(stopped, 'runner')[0]).toMatch(
        /none is running\. The last heartbeat of host:1:abc was .*; it was stopped /,
      )
    })

    it('refuses a name that is known nowhere, with exit code 2 and the names there are', async () => {
      const database = await engine.database()
      await expect(why(database, 'yearli')).rejects.toMatchObject({
        code: 'NO_SUCH_JOB',
        exitCode: 2,
        suggestions: ['Known jobs: yearly.', expect.stringContaining('policies status')],
      })
    })
  })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('explains a job of TimescaleDB by its id, and the printed fix ends the cause', async () => {
      const database = await engine.database()
      const {run} = database
      await run('create procedure public.work(job_id int, config jsonb) language sql as $$ select 1 $$')
      const [added] = await run<{id: number}>(
        "select add_job('public.work', '1 hour', initial_start => '2100-01-01', scheduled => false) as id",
      )
      const id = String(added!.id)
      const paused = await why(database, id)
      expect(paused).toMatchObject({name: `${id} (public.work)`, runner: 'timescaledb', cause: {code: 'paused'}})
      await followFix(database, paused.cause!.fix!)
      const running = await why(database, id)
      expect(running.cause?.code ?? null).toBe(engine.native ? null : 'runner_not_running')
      // By its qualified name TimescaleDB would object.
      await run('drop procedure work')
      const gone = await why(database, id)
      expect(gone.cause).toMatchObject({code: 'procedure_gone', fix: {kind: 'sql'}})
      await followFix(database, gone.cause!.fix!)
      await expect(why(database, id)).rejects.toMatchObject({code: 'NO_SUCH_JOB'})
    })

    it('explains a job that carries out a policy as that policy', async () => {
      const database = await engine.database()
      const {run} = database
      await run('create table ticks (time timestamptz not null, v float)')
      await run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day')")
      await run("insert into ticks values ('2024-01-01', 1)")
      await run('alter table ticks set (timescaledb.compress)')
      const [added] = await run<{id: number}>(
        "select add_compression_policy('ticks', interval '7 days', initial_start => '2100-01-01') as id",
      )
      await run(`select alter_job(${added!.id}, scheduled => false)`)
      const policy = await why(database, String(added!.id))
      expect(policy).toMatchObject({runner: 'timescaledb', ok: false, cause: {code: 'paused'}})
      expect(about(policy, 'work')[0]).toBe('1 due, 1 not done.')
    })
  })
})
