import {setTimeout} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../src/db/connect.js'
import type {Database} from '../../src/db/database.js'
import {statement} from '../../src/db/sql.js'
import {readPolicyStatus} from '../../src/policies/status/status.js'
import {noCitusWithCron, startCitusWithCron} from '../helpers/citus-cluster.js'
import {skipBecause} from '../helpers/engines.js'
import type {NativePostgres} from '../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../helpers/server.js'

const reason = noCitusWithCron()
if (reason !== null) skipBecause(reason)
else
  describe('a retention of Citus that pg_cron runs', () => {
    let server: NativePostgres
    let db: Database
    const run = <Row extends object>(text: string) => db.transaction(writing, (tx) => tx.query<Row>(statement(text)))
    const status = async () =>
      (await readPolicyStatus(db, {declared: [], lateAfter: 0})).policies.find(({table}) => table === 'ticks')!
    /** Runs that ended, newest first. */
    const runs = () =>
      run<{status: string}>(
        "select status from cron.job_run_details where status in ('succeeded', 'failed') order by runid desc",
      )
    const untilRun = async (after: number) => {
      while ((await runs()).length <= after) await setTimeout(500)
    }

    beforeAll(async () => {
      server = await startCitusWithCron()
      db = await connect(targetOf(server.url), {applicationName})
      await run('create table ticks (time timestamptz not null, symbol int not null) partition by range (time)')
      for (const [name, from, to] of [
        ['ticks_1', '2020-01-01', '2020-02-01'],
        ['ticks_2', '2020-02-01', '2020-03-01'],
        ['ticks_3', '2020-03-01', '2120-01-01'],
      ])
        await run(`create table ${name} partition of ticks for values from ('${from}Z') to ('${to}Z')`)
      await db.autocommit(writing, statement("select create_distributed_table('ticks', 'symbol', shard_count => 2)"))
      // The drop fails until the view is gone.
      await run('create view reads_ticks_1 as select * from ticks_1')
      await db.probe()
    }, 120_000)
    afterAll(async () => {
      await db?.close()
      await server?.stop()
    }, 60_000)

    it('is late only if a run began after its partitions were due and left them', async () => {
      await run(
        `select cron.schedule('purge', '* * * * *', $$call drop_old_time_partitions('ticks', now() - interval '12 months')$$)`,
      )
      const before = await status()
      expect(before).toMatchObject({runner: 'pg_cron', runnerAlive: true, due: 2, ok: null, lastRunAt: null})
      expect(before.findings).toEqual([expect.stringContaining('no run of it is recorded')])

      await untilRun(0)
      const failed = await status()
      expect(failed).toMatchObject({due: 2, ok: false, lastStatus: 'failed', lastRunAt: expect.any(String) as string})
      expect(failed.problems.map(({code}) => code)).toEqual(['not_done', 'last_error'])
      expect(failed.lastError!.message).toContain('reads_ticks_1')

      await run('drop view reads_ticks_1')
      while ((await runs())[0]!.status === 'failed') await setTimeout(500)
      expect(await status()).toMatchObject({due: 0, notDone: [], ok: true, lastStatus: 'succeeded', lastError: null})
    }, 240_000)
  })
