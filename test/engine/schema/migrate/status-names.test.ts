import {expect, it} from 'vitest'
import {readHistory} from '../../../../src/jobs/store/history.js'
import {finish} from '../../../../src/jobs/store/results.js'
import type {Claim} from '../../../../src/jobs/store/claims.js'
import {openLedger} from '../../../../src/run/run-log.js'
import {planFor} from '../../../../src/schema/migrate/request.js'
import {forEachEngine, type TestDatabase} from '../../../helpers/engines.js'
import {migratedBefore} from '../../../helpers/migrated-before.js'
import {quick} from '../../../helpers/run-steps.js'
import {up} from '../../../helpers/migrate-up.js'

const kept = ['running', 'done', 'failed', 'skipped', 'interrupted']

/** A row of each status in both tables; the time identifies it. */
async function rowsOf(database: TestDatabase, statuses: readonly string[]): Promise<void> {
  for (const [index, status] of statuses.entries())
    await database.run(`
      with run as (
        insert into qicore.maintenance_log (operation, job, scheduled_at, status, token, lease_until)
        values ('test', 'tick', timestamptz '2026-01-01Z' + ${index} * interval '1 hour', '${status}', ${index}, '2099-01-01Z') returning id
      )
      insert into qicore.maintenance_step (log_id, step, position, status) select id, 'one', 1, '${status}' from run`)
}

const statusesOf = async ({run}: TestDatabase) =>
  (
    await run<{status: string; step: string}>(`
      select l.status, s.status as step from qicore.maintenance_log l join qicore.maintenance_step s on s.log_id = l.id
      where l.operation = 'test' order by l.scheduled_at`)
  ).map(({status, step}) => (status === step ? status : `${status}, step ${step}`))

const owner = {operation: 'test', actor: 'me', targetHost: 'here', detail: {}}

/**
 * Ends an occurrence late and a run partially, as this version of the program does; returns what the database then has.
 */
async function endBoth({db, run}: TestDatabase): Promise<string[]> {
  await run(`insert into qicore.maintenance_log (operation, job, scheduled_at, status, token, claimed_by)
    values ('late', 'tock', '2026-01-01Z', 'running', 77, 'me')`)
  const [late] = await run<{id: number; token: number}>(
    "select id::int, token::int from qicore.maintenance_log where operation = 'late'",
  )
  expect(await finish(db, late as unknown as Claim, {status: 'done_late'})).toBe(true)
  const ledger = await openLedger(db, {...owner, operation: 'part'}, quick)
  await ledger!.finish('partial', 'one step failed')
  const stored = await run<{status: string}>(
    "select status from qicore.maintenance_log where operation in ('late', 'part') order by operation",
  )
  await run("delete from qicore.maintenance_log where operation in ('late', 'part')")
  return stored.map(({status}) => status)
}

forEachEngine({}, (engine) => {
  it('migrate up renames the stored statuses late-done and partly, and an older daemon can still write them', async () => {
    const database = await engine.database()
    const {db, run} = database
    await migratedBefore(database, 'core.1.14.0')
    await rowsOf(database, [...kept, 'late-done', 'partly'])

    // A role that may not migrate keeps working on the older schema, and reads the names of today.
    expect(await endBoth(database)).toEqual(['late-done', 'partly'])
    const request = {jobs: ['tick'], since: null, statuses: null, limit: 9}
    expect((await readHistory(db, request)).map(({status}) => status)).toEqual([
      'partial',
      'done_late',
      ...[...kept].reverse().map((status) => (status === 'running' ? 'retry' : status)),
    ])

    expect((await up(db)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect((await planFor(db, {})).plan.steps).toEqual([])
    expect(await statusesOf(database)).toEqual([...kept, 'done_late', 'partial'])
    expect(await endBoth(database)).toEqual(['done_late', 'partial'])

    await run("update qicore.maintenance_log set status = 'late-done' where operation = 'test' and status = 'done'")
    await run("insert into qicore.maintenance_log (operation, status) values ('older', 'partly')")
    expect(await statusesOf(database)).toEqual(
      ['running', 'done_late', 'failed', 'skipped', 'interrupted', 'done_late', 'partial'].map((status, index) =>
        index === 1 ? 'done_late, step done' : status,
      ),
    )
    expect(await run("select status from qicore.maintenance_log where operation = 'older'")).toEqual([
      {status: 'partial'},
    ])
    await expect(run("update qicore.maintenance_step set status = 'partly' where status = 'done'")).rejects.toThrow(
      'maintenance_step_status_check',
    )
  }, 120_000)
})
