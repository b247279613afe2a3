import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {explainPolicies, type PolicyWhyRequest} from '../../../src/doctor/why/why-policy.js'
import {followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'

const request: PolicyWhyRequest = {declared: [], lateAfter: 3_600_000, table: 'ticks', kind: null}

/** A hypertable with two old chunks and a compression policy of a week; returns the id of its job. */
async function overdue({run}: TestDatabase): Promise<number> {
  await run('create table ticks (time timestamptz not null, v float)')
  await run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day')")
  await run("insert into ticks values ('2024-01-01', 1), ('2024-01-02', 2)")
  await run("alter table ticks set (timescaledb.compress, timescaledb.compress_orderby = 'time')")
  const [job] = await run<{id: number}>(
    "select add_compression_policy('ticks', interval '7 days', initial_start => '2100-01-01') as id",
  )
  return job!.id
}

async function explain({db}: TestDatabase, changed: Partial<PolicyWhyRequest> = {}) {
  const {policies} = await explainPolicies(db, {...request, ...changed})
  return policies[0]!
}

describe('policies why', () => {
  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('names a paused job before the work that is undone because of it, and the fix ends that cause', async () => {
      const database = await engine.database()
      const id = await overdue(database)
      await database.run(`select alter_job(${id}, scheduled => false)`)
      const before = await explain(database)
      expect(before).toMatchObject({kind: 'compression', ok: false, cause: {code: 'paused', fix: {kind: 'sql'}}})
      expect(before.evidence.filter(({topic}) => topic === 'work').map(({message}) => message)).toEqual([
        '2 due, 2 not done.',
        expect.stringMatching(/_hyper_\d+_\d+_chunk: never compressed/),
        expect.stringMatching(/_hyper_\d+_\d+_chunk: never compressed/),
      ])
      await followFix(database, before.cause!.fix!)
      expect((await explain(database)).cause?.code).not.toBe('paused')
    })

    it('an error after the COMMIT of a run is shown, and is not the cause of anything', async () => {
      const database = await engine.database()
      const id = await overdue(database)
      await database.run('delete from _timescaledb_internal.bgw_job_stat where job_id = $1', [id])
      await database.run(
        `insert into _timescaledb_internal.bgw_job_stat
         values ($1, '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', '2100-01-01 01:00+00', '-infinity', false,
           1, interval '1 second', interval '1 second', 0, 1, 0, 1, 0, 0)`,
        [id],
      )
      await database.run(
        `insert into _timescaledb_internal.bgw_job_stat_history (job_id, pid, execution_start, execution_finish, succeeded, data)
         select job_id, 1, timestamptz '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', false,
           jsonb_build_object('job', jsonb_build_object('proc_schema', proc_schema, 'proc_name', proc_name), 'error_data',
             jsonb_build_object('sqlerrcode', '24000', 'message', 'cannot drop portal "" while it is being set up'))
         from timescaledb_information.jobs where job_id = $1`,
        [id],
      )
      const {cause, evidence} = await explain(database)
      expect(evidence.find(({topic}) => topic === 'error')!.message).toMatch(
        /cannot drop portal "" while it is being set up \[24000\], after the work of the run was committed\.$/,
      )
      if (engine.native) expect(cause?.code).toBe('not_done')
    })

    it('says that a job has never run only if that explains why nothing is done', async () => {
      const database = await engine.database()
      const id = await overdue(database)
      const {cause} = await explain(database)
      if (engine.native)
        expect(cause).toMatchObject({
          code: 'never_ran',
          message: expect.stringContaining(`Job ${id} has never run`),
          fix: {kind: 'command', text: expect.stringContaining('chunks compress ticks')},
        })
      else expect(cause).toMatchObject({code: 'runner_not_running'})
    })

    it('has no cause if the work is done and the workers run; the embedded engine has no workers', async () => {
      const database = await engine.database()
      await overdue(database)
      await database.run("select compress_chunk(c) from show_chunks('ticks') c")
      const {ok, cause} = await explain(database)
      expect(ok).toBe(true)
      expect(cause?.code ?? null).toBe(engine.native ? null : 'runner_not_running')
    })

    it('refuses a kind of policy that the table does not have, and names those it has', async () => {
      const database = await engine.database()
      await overdue(database)
      await expect(explain(database, {kind: 'retention'})).rejects.toMatchObject({
        code: 'NO_SUCH_POLICY',
        exitCode: 2,
        suggestions: ['It has: compression.'],
      })
    })
  })

  forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
    it('names the session that blocks the table if work is not done, with the fix', async () => {
      const database = await engine.database()
      await overdue(database)
      const holder = await connect(database.target, {applicationName: 'loader'})
      const waiter = await connect(database.target, {applicationName: 'reader'})
      try {
        await holder.transaction({...writing, lockTimeout: 1_000}, async (tx) => {
          await tx.query(statement('lock table ticks in access exclusive mode'))
          const waiting = waiter.query(statement('select count(*) from ticks'), {...writing, lockTimeout: 20_000})
          waiting.catch(() => {})
          let why = await explain(database)
          for (let tries = 0; tries < 100 && why.cause?.code !== 'blocked'; tries += 1) why = await explain(database)
          expect(why.cause).toMatchObject({
            code: 'blocked',
            fix: {kind: 'sql', text: `select pg_terminate_backend(${holder.backend!.pid})`},
          })
          await waiter.cancel()
          await waiting.catch(() => {})
        })
      } finally {
        await holder.close()
        await waiter.close()
      }
    })
  })
})
