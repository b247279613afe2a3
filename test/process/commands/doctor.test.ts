import {describe, expect, it} from 'vitest'
import type {DoctorReport} from '../../../src/doctor/report.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'

/** A row that no other partition takes is in the default partition. */
const defaultRow = `
  create table events (at timestamptz not null) partition by range (at);
  create table events_2026_02 partition of events for values from ('2026-02-01') to ('2026-03-01');
  create table events_rest partition of events default;
  insert into events values ('2026-01-15')`

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  describe('doctor', () => {
    it('exits 3 with a finding, one line per check, and the fix; --fail-on and --skip change the exit code', async () => {
      const url = await engine.urlFor(({run}) => run(defaultRow))
      const found = await runCli(['doctor', '--only', 'partitions.default_rows', '--url', url])
      expectExit(found, 3)
      expect(found.stdout).toMatch(/^!(WARNING|CRITICAL) +partitions\.default_rows /m)
      expect(found.stdout).toMatch(/partitions\.default_rows: events: /)
      expect(found.stdout).toMatch(/\d+ critical, \d+ warnings?, 0 unknown, 0 passed \(exit 3\)/)
      expectExit(await runCli(['doctor', '--only', 'partitions.default_rows', '--fail-on', 'never', '--url', url]), 0)
      expectExit(
        await runCli([
          'doctor',
          '--only',
          'partitions.default_rows,partitions.pending_detach',
          '--skip',
          'partitions.default_rows',
          '--url',
          url,
        ]),
        0,
      )
    })

    it('prints one JSON document with a stable id for each check, and CSV with a line for each', async () => {
      const url = await engine.urlFor(({run}) => run(defaultRow))
      const result = await runCli(['doctor', '--json', '--url', url])
      expectExit(result, 3)
      const report = jsonOf<DoctorReport>(result)
      expect(report).toMatchObject({kind: 'doctor', version: 1})
      const {critical, warning, unknown, passed} = report.counts
      expect(critical + warning + unknown + passed).toBe(report.checks.length)
      expect(report.checks.find(({id}) => id === 'partitions.default_rows')?.findings[0]).toMatchObject({
        object: {schema: 'public', table: 'events'},
        fix: {kind: expect.stringMatching(/^(command|sql|advice)$/), text: expect.any(String)},
      })
      const csv = await runCli(['doctor', '--csv', '--url', url])
      expect(csv.stdout.split('\n')[0]).toMatch(/^status,id,group,title/)
      expect(csv.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(report.checks.length + 1)
    })

    it('refuses a check and a table that do not exist before it runs any check', async () => {
      const url = await engine.urlFor(async () => {})
      const check = await runCli(['doctor', '--only', 'chunk', '--url', url])
      expectExit(check, 2)
      expect(check.stderr).toContain('Did you mean chunks?')
      expectExit(await runCli(['doctor', 'gone', '--url', url]), 2)
    })
  })
})
