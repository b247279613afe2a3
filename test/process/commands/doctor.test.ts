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

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('doctor prints advice that several findings share once, and names every table that it is for', async () => {
    const url = await engine.urlFor(async ({run}) => {
      for (const name of ['a', 'b', 'c']) {
        await run(`create table ${name} (time timestamptz not null, v int)`)
        await run(`select create_hypertable('${name}', by_range('time', interval '1 hour'))`)
        await run(`insert into ${name} select timestamptz '2026-01-01 00:00+00' + n * interval '1 minute', n
          from generate_series(0, 119) n`)
        await run(`alter table ${name} set (timescaledb.compress)`)
        await run(`select compress_chunk(c) from show_chunks('${name}') c`)
      }
    })
    const printed = await runCli(['doctor', '--only', 'chunks.poor_compression,hazards', '--url', url])
    const stdout = printed.stdout.replace(/\s+/g, ' ')
    expect(stdout).toMatch(
      / ! chunks\.poor_compression: a, b, c: Compression makes chunks [\d.]+ times larger: a chunk has 60 rows/,
    )
    expect(stdout.match(/set_chunk_time_interval\('<table>'/g)).toHaveLength(1)
    const {checks} = jsonOf<DoctorReport>(await runCli(['doctor', '--only', 'hazards', '--json', '--url', url]))
    const advised = checks.filter(({findings}) => findings.some(({fix}) => fix.text.startsWith('Install TimescaleDB')))
    expect(stdout.match(/Install TimescaleDB/g) ?? []).toHaveLength(advised.length)
    const versions = advised.flatMap(({findings}) => findings.map(({fix}) => fix.text))
    expect(new Set(versions).size).toBeLessThanOrEqual(1)
  })
})
