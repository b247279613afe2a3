import {afterAll, beforeAll, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {openLedger, readLostRuns} from '../../../src/run/run-log.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {enginesFor, skipBecause, type Engine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {targetOf, writing} from '../../helpers/server.js'

const engine = enginesFor({native: true})[0]
const reason = noPgbouncer() ?? (engine === undefined ? 'there is no native server' : null)
if (reason !== null) skipBecause(`runs behind a transaction pooler: ${reason}`)
else tests(engine!)

/** The run that is killed. Its transactions have this name in pg_stat_activity. */
const killed = {applicationName: 'qicore-db/chunks drop'}
const owner = {operation: 'chunks drop public.m', actor: 'ada', targetHost: 'here', detail: {}}

function tests(native: Engine): void {
  let pooler: {port: number; stop(): Promise<void>}
  let url: string
  /** A run of another command, also through the pooler. */
  let other: Database

  beforeAll(async () => {
    const database = await native.database()
    await withCore(database)
    const {hostname, port, pathname} = new URL(database.url)
    pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)}, 4)
    url = `postgres://postgres@127.0.0.1:${pooler.port}${pathname}`
    other = await connect(targetOf(url), {applicationName: 'qicore-db/history'})
  })
  afterAll(async () => {
    await other?.close()
    await pooler?.stop()
  })

  const change = (text: string) => other.query(statement(text), writing)
  /** As if that much time had passed without a heartbeat. */
  const endLease = () => change("update qicore.maintenance_log set lease_until = lease_until - interval '1 hour'")
  const runs = () =>
    other.query<{status: string; reason: string | null; pid: unknown}>(
      statement(
        "select status, detail ->> 'reason' as reason, detail -> 'pid' as pid from qicore.maintenance_log order by id",
      ),
    )

  it('a killed run is lost when its lease has expired and no statement of its command is running, and the next run ends it', async () => {
    const db = await connect(targetOf(url), killed)
    expect(db.server.pooled).toBe(true)
    await openLedger(db, owner, defaultLimits)
    expect(await runs()).toEqual([{status: 'running', reason: null, pid: null}])
    // The server connection stays with the pooler.
    db.abort()
    expect(await readLostRuns(other)).toEqual([])

    await endLease()
    const another = await connect(targetOf(url), killed)
    const busy = another.query(statement('select pg_sleep(30)'), {...writing, lockTimeout: 0})
    await expect.poll(async () => (await sessions(killed.applicationName)).includes('active')).toBe(true)
    expect(await readLostRuns(other)).toEqual([])
    expect(await other.query(statement('select qicore.close_lost_runs() as closed'), writing)).toEqual([{closed: 0}])

    const canceled = expect(busy).rejects.toMatchObject({code: '57014'})
    await another.cancel()
    await canceled
    expect(await readLostRuns(other)).toHaveLength(1)
    const next = await openLedger(another, owner, defaultLimits)
    expect(await runs()).toEqual([
      {status: 'interrupted', reason: 'session_ended', pid: null},
      {status: 'running', reason: null, pid: null},
    ])
    expect(await readLostRuns(other)).toEqual([])
    await next!.finish('done', null)
    await another.close()
  })

  it('a lost run of a job has failed', async () => {
    await change(
      `insert into qicore.maintenance_log (operation, job, actor, application, status, started_at, lease_until)
      values ('retain', 'retain', 'ada', 'qicore-db/jobs run', 'running', '2026-01-01Z', '2026-01-01 00:00:30Z')`,
    )
    expect(await readLostRuns(other)).toHaveLength(1)
    expect(await other.query(statement('select qicore.close_lost_runs() as closed'), writing)).toEqual([{closed: 1}])
    expect((await runs()).at(-1)).toMatchObject({status: 'failed', reason: 'session_ended'})
  })

  async function sessions(name: string): Promise<string[]> {
    const rows = await other.query<{state: string}>(
      statement('select state from pg_stat_activity where application_name = $1 and datname = current_database()', [
        name,
      ]),
    )
    return rows.map(({state}) => state)
  }
}
