import {describe, expect, it} from 'vitest'
import type {DoctorReport} from '../../../src/doctor/report.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'

/** A set whose chunks lie a century apart from today: one is dated before anything of this market could be. */
const farDates = `
  create table events (at timestamptz not null) partition by range (at);
  create table events_2190 partition of events for values from ('2190-01-01') to ('2190-02-01');
  insert into events values ('2190-01-15')`

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  describe('doctor', () => {
    it('exits 3 with a finding, one line a check, and the fix; --fail-on and --skip change the exit code', async () => {
      const url = await engine.urlFor(({run}) => run(farDates))
      const found = await runCli(['doctor', '--only', 'chunks.far_dates', '--url', url])
      expectExit(found, 3)
      expect(found.stdout).toMatch(/^!(WARNING|CRITICAL) +chunks\.far_dates /m)
      expect(found.stdout).toMatch(/chunks\.far_dates: events: /)
      expect(found.stdout).toMatch(/\d+ critical, \d+ warnings?, 0 unknown, 0 passed \(exit 3\)/)
      expectExit(await runCli(['doctor', '--only', 'chunks.far_dates', '--fail-on', 'never', '--url', url]), 0)
      expectExit(await runCli(['doctor', '--only', 'chunks', '--skip', 'chunks.far_dates', '--url', url]), 0)
    })

    it('is one JSON document with a stable id for each check, and CSV with a line for each', async () => {
      const url = await engine.urlFor(({run}) => run(farDates))
      const result = await runCli(['doctor', '--json', '--url', url])
      expectExit(result, 3)
      const report = jsonOf<DoctorReport>(result)
      expect(report).toMatchObject({kind: 'doctor', version: 1})
      const {critical, warning, unknown, passed} = report.counts
      expect(critical + warning + unknown + passed).toBe(report.checks.length)
      expect(report.checks.find(({id}) => id === 'chunks.far_dates')?.findings[0]).toMatchObject({
        object: {schema: 'public', table: 'events'},
        fix: {kind: expect.stringMatching(/^(command|sql|advice)$/), text: expect.any(String)},
      })
      const csv = await runCli(['doctor', '--csv', '--url', url])
      expect(csv.stdout.split('\n')[0]).toMatch(/^status,id,group,title/)
      expect(csv.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(report.checks.length + 1)
    })

    it('refuses a check and a table that are not there before it looks', async () => {
      const url = await engine.urlFor(async () => {})
      const check = await runCli(['doctor', '--only', 'chunk', '--url', url])
      expectExit(check, 2)
      expect(check.stderr).toContain('Did you mean chunks?')
      expectExit(await runCli(['doctor', 'gone', '--url', url]), 2)
    })
  })
})
