import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {apply, days, declare, request} from '../../helpers/policies.js'
import {daysLeft, refresh, ticks} from '../../helpers/policies-ticks.js'

interface Run {
  runs: number
  status: string
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it("TimescaleDB's job refuses a range that an aggregate has not covered, names it, and continues once it is covered", async () => {
    const database = await ticks(engine)
    const declared = [declare('public.ticks', {retention: {after: days(7), native: false}})]
    const {after, report} = await apply(database.db, request(declared))
    expect(report.steps.map(({status}) => status)).toEqual(['done'])
    expect(after.plan.steps).toEqual([])
    const first = await ran(database, 1)
    const [error] = await database.run<{message: string}>(
      "select err_message as message from timescaledb_information.job_errors where proc_name = 'retain' order by start_time desc limit 1",
    )
    expect(error!.message).toMatch(
      /13 (chunks|partitions) older than 7 days not dropped: .*public\.daily has not covered/,
    )
    expect(await daysLeft(database)).toBe(21)
    const held = await status(database, declared)
    expect(held).toMatchObject({runner: 'timescaledb', runnerAlive: true, gated: true, ok: false, due: 13})
    expect(held.findings[0]).toMatch(
      /13 chunks held back: public\.daily has not covered .* Fix: qicore-db aggregates refresh public\.daily --from \S+T00:00:00Z --to \S+T00:00:00Z$/,
    )

    await refresh(database, daysAgo(30), today)
    await again(database)
    await ran(database, first.runs + 1)
    expect(await daysLeft(database)).toBe(21 - 8)
    const rest = await status(database, declared)
    expect(rest).toMatchObject({due: 5, ok: false})
    expect(rest.findings.filter((line) => line.includes('not covered'))).toEqual([])
    expect(rest.findings[0]).toContain('Each run drops at most 8')
    await again(database)
    await ran(database, first.runs + 2)
    expect(await daysLeft(database)).toBe(8)
    const done = await status(database, declared)
    expect(done).toMatchObject({due: 0, ok: true})
    // Some minor versions of PostgreSQL fail every job after its COMMIT.
    const afterCommit = /\[24000\], after the work of the run was committed$/
    expect(done.findings.filter((line) => !afterCommit.test(line))).toEqual([])

    // A change of both the confirmed settings and their hash still does not change the settings for which the job was
    // created.
    await database.run('update qicore.policies set config = config || \'{"after": "3 days"}\'')
    await database.run(
      "update qicore.policies set config = jsonb_set(config, '{consent,hash}', to_jsonb(qicore.retention_hash(object, config)))",
    )
    const changed = await status(database, declared)
    expect(changed).toMatchObject({ok: false})
    expect(changed.findings[0]).toContain('its job was created for another confirmed policy')
  }, 60_000)
})

async function status(database: TestDatabase, declared: ReturnType<typeof declare>[]) {
  const {policies} = await readPolicyStatus(database.db, {declared, lateAfter: 0})
  return policies.find(({kind}) => kind === 'retention')!
}

async function again({run}: TestDatabase): Promise<void> {
  await run(
    `select alter_job(job_id, next_start => ${today}) from timescaledb_information.jobs where proc_name = 'retain'`,
  )
}

/** Waits for the scheduler, whatever it reports about the run. */
async function ran({run}: TestDatabase, runs: number): Promise<Run> {
  for (let turn = 0; turn < 250; turn += 1) {
    const [row] =
      await run<Run>(`select s.total_runs::int as runs, s.last_run_status as status from timescaledb_information.job_stats s
join timescaledb_information.jobs j on j.job_id = s.job_id where j.proc_name = 'retain' and s.job_status <> 'Running' and s.last_run_status is not null`)
    if (row !== undefined && row.runs >= runs) return row
    await sleep(100)
  }
  throw new Error('the scheduler did not run the job')
}
