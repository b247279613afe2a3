import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {configFileName, loadConfig} from '../../../src/config/load.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import type {PolicyStatus} from '../../../src/policies/status/types.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {runCli} from '../../helpers/cli.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {parsePrinted, printedCommands} from '../../helpers/printed.js'
import {declare, request, run as runPlan} from '../../helpers/policies.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'

const table = `desk."Odd 'name' $x"`

/** Rows of fixed days in 2024, and jobs that are never scheduled. */
async function oldRows({run}: TestDatabase): Promise<void> {
  await run('create schema desk')
  await run(`create table ${table} (time timestamptz not null, v int)`)
  await run(`select create_hypertable($1::regclass, 'time', chunk_time_interval => interval '1 day')`, [table])
  await run(
    `insert into ${table} select g, 1 from generate_series(timestamptz '2024-02-27 00:00:00+00', '2024-03-01 23:00:00+00', interval '1 hour') as g`,
  )
}

async function statusOf({db}: TestDatabase, kind: string): Promise<PolicyStatus> {
  const {policies} = await readPolicyStatus(db, {declared: [], lateAfter: 0})
  return policies.find((policy) => policy.kind === kind)!
}

/** Runs the suggested command of a finding exactly as it is printed. */
async function runFix({url}: TestDatabase, findings: readonly string[]): Promise<string> {
  const [printed] = printedCommands(findings.join('\n'))
  const {id} = await parsePrinted(printed!)
  const result = await runCli([...printed!.words, '--yes', '--url', url])
  expect(result.exitCode, `${printed!.text}\n${result.stdout}${result.stderr}`).toBe(0)
  return id
}

describe('the fix of a finding of policies status', () => {
  forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
    it('compresses a chunk that was not compressed, and the finding is gone', async () => {
      const database = await engine.database()
      await oldRows(database)
      await database.run(`alter table ${table} set (timescaledb.compress)`)
      await database.run(
        `select alter_job(add_compression_policy($1::regclass, interval '7 days'), scheduled => true, next_start => 'infinity')`,
        [table],
      )
      expect(await statusOf(database, 'compression')).toMatchObject({
        ok: false,
        due: 4,
        notDone: [{code: 'never_compressed'}, {}, {}, {}],
      })
      expect(await runFix(database, (await statusOf(database, 'compression')).findings)).toBe('chunks compress')
      expect(await statusOf(database, 'compression')).toMatchObject({ok: true, notDone: []})
    })

    it('refreshes an aggregate that was never refreshed, and the finding is gone', async () => {
      const database = await engine.database()
      await oldRows(database)
      await database.autocommit(
        `create materialized view desk.days with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as day, count(*) as n from ${table} group by 1 with no data`,
      )
      await database.run(
        "select alter_job(add_continuous_aggregate_policy('desk.days', interval '100 years', interval '1 hour', interval '1 hour'), next_start => 'infinity')",
      )
      expect(await statusOf(database, 'refresh')).toMatchObject({ok: false, notDone: [{code: 'never_refreshed'}]})
      expect(await runFix(database, (await statusOf(database, 'refresh')).findings)).toBe('aggregates refresh')
      expect(await statusOf(database, 'refresh')).toMatchObject({ok: true, notDone: []})
    })

    it('shows what each of two retentions would drop, and stats chunks leads to both', async () => {
      const database = await engine.database()
      await oldRows(database)
      await database.run(
        "select alter_job(add_retention_policy($1::regclass, interval '30 days'), next_start => 'infinity')",
        [table],
      )
      await database.run(
        `select add_job('_timescaledb_functions.policy_retention', interval '1 day', scheduled => false, config => (select jsonb_build_object('hypertable_id', id, 'drop_after', '60 days') from _timescaledb_catalog.hypertable where schema_name = 'desk'))`,
      )
      const {stdout} = await runCli(['stats', 'chunks', '--url', database.url])
      const [why] = printedCommands(stdout)
      const status = await runCli([...why!.words])
      expect(status.stdout).toContain('chunks drop')
      const looks = printedCommands(status.stdout).filter(({text}) => text.includes('chunks drop'))
      expect(looks.map(({text}) => /--older-than '(\d+ days)'/.exec(text)?.[1])).toEqual(['30 days', '60 days'])
      for (const {words} of looks) {
        const result = await runCli([...words])
        expect(result.exitCode, result.command).toBe(0)
        expect(result.stderr).toContain('4 chunks, 96 rows')
      }
    })

    it('declares a native retention with a line that is valid in the configuration, of an aggregate too', async () => {
      const database = await engine.database()
      await oldRows(database)
      const view = `desk."it's ""b"""`
      await database.autocommit(
        `create materialized view ${view} with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as day, count(*) as n from ${table} group by 1 with no data`,
      )
      for (const [key, age] of [
        [table, '90 days'],
        [view, '400 years'],
      ] as const)
        await database.run(
          "select alter_job(add_retention_policy($1::regclass, $2::interval), next_start => 'infinity')",
          [key, age],
        )
      const {findings} = await planPolicies(database.db, request([]))
      const lines = findings
        .filter(({id}) => id.startsWith('ungated'))
        .map(({suggestion}) => suggestion!.replace(', and policies apply makes it gated', ''))
      const file = join(temporaryDirectory(), configFileName)
      writeFileSync(file, ['version: 1', ...lines, ''].join('\n'))
      const config = await loadConfig(file)
      expect([Object.keys(config.tables), Object.keys(config.aggregates)]).toEqual([[table], [view]])
      const plan = await runCli(['policies', 'plan', '--config', file, '--url', database.url])
      expect(plan.stderr).not.toContain('CONFIG')
      expect(plan.stdout).toContain(`retention of ${view}`)
    })

    it('suggests no age that the configuration and the flags refuse', async () => {
      const database = await engine.database()
      await oldRows(database)
      await database.autocommit(
        `create materialized view desk.days with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as day, count(*) as n from ${table} group by 1 with no data`,
      )
      await database.run(
        "select alter_job(add_retention_policy($1::regclass, interval '400 years 3 months 4 hours'), next_start => 'infinity')",
        [table],
      )
      const {findings} = await planPolicies(database.db, request([]))
      const ungated = findings.find(({id}) => id.startsWith('ungated'))
      expect(ungated?.suggestion).toMatch(/^declare a retention with an age that/)
      const doctor = await runCli(['doctor', '--only', 'policies.ungated_retention', '--url', database.url])
      expect(doctor.stdout).toMatch(/Declare a retention of\s+the table/)
      expect(doctor.stdout).not.toContain('policies set retention')
    })

    it('computes what a gated retention waits for, and never drops anything itself', async () => {
      const database = await engine.database()
      await oldRows(database)
      await database.run(`insert into ${table} values (${today}, 1)`)
      await database.autocommit(
        `create materialized view desk.days with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as day, count(*) as n from ${table} group by 1 with no data`,
      )
      await database.run(
        "select alter_job(add_continuous_aggregate_policy('desk.days', interval '3 days', interval '1 hour', interval '1 hour'), next_start => 'infinity')",
      )
      const declared = [declare(table, {retention: {after: {months: 0, days: 30, seconds: 0}, native: false}})]
      await runPlan(database.db, await planInstall(database.db))
      await database.db.probe()
      const {plan} = await planPolicies(database.db, request(declared))
      await runPlan(database.db, plan)
      await database.run(
        "select alter_job(job_id, scheduled => true, next_start => 'infinity') from timescaledb_information.jobs where proc_name = 'retain'",
      )
      const held = await statusOf(database, 'retention')
      expect(held).toMatchObject({ok: false, notDone: [{code: 'held_back'}, {}, {}, {}]})
      expect(held.findings.join('\n')).not.toMatch(/jobs run retain|chunks drop/)
      expect(await runFix(database, held.findings)).toBe('aggregates refresh')
      const covered = await statusOf(database, 'retention')
      expect(covered.notDone!.map(({code}) => code)).toEqual([
        'not_dropped',
        'not_dropped',
        'not_dropped',
        'not_dropped',
      ])
      // The rows were already that old when they were loaded: the suggested command only shows what would be dropped.
      const [printed] = printedCommands(covered.findings.join('\n'))
      expect(printed).toBeDefined()
      expect((await parsePrinted(printed!)).flags).toMatchObject({'dry-run': true})
      expect(await database.run(`select count(*)::int as chunks from show_chunks($1::regclass)`, [table])).toEqual([
        {chunks: 5},
      ])
    })

    it('says why it is unknown what is due, with the missing setting', async () => {
      const database = await engine.database()
      await database.run('create table public.z (clock bigint not null, v int)')
      await database.run("select create_hypertable('public.z', 'clock', chunk_time_interval => 86400000)")
      await database.run('insert into public.z values (1709251200000, 1)')
      await database.run('alter table public.z set (timescaledb.compress)')
      await database.run(
        "create function public.z_now() returns bigint language sql stable as 'select 1709251200000::bigint'",
      )
      await database.run("select set_integer_now_func('public.z', 'public.z_now')")
      await database.run(
        "select alter_job(add_compression_policy('public.z', 86400000::bigint), next_start => 'infinity')",
      )
      await database.run(
        "alter function public.z_now() owner to current_user; create or replace function public.z_now() returns bigint language sql stable as 'select (1/0)::bigint'",
      )
      const status = await statusOf(database, 'compression')
      expect(status).toMatchObject({ok: null, due: null, notDone: null})
      expect(status.findings.join()).toContain('timeUnit')
    })
  })
})
