import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {directoryWith} from '../../helpers/files.js'

const config = `version: 1
default: local
targets:
  local: {url: "embedded:.qicore/db"}
  prod: {url: "postgres://ops:\${QICORE_PROD_PASSWORD}@db1/market", role: owner, protected: true}
limits: {lockTimeout: 3s}
tables:
  public.ohlcv_data: {retention: {after: 2 years}}
  desk_b.ticks: {columns: [{name: time, type: timestamptz}], primaryKey: [time], hypertable: {time: time}, compression: none}
jobs:
  maintain: {schedule: "0 3 * * *", timezone: Europe/Berlin, retries: 4}
  refresh: none
`

describe('config schema', () => {
  it('prints what the package publishes', async () => {
    const published = JSON.parse(readFileSync(join(root, 'config.schema.json'), 'utf8')) as unknown
    expect(JSON.parse((await runCli(['config', 'schema'])).stdout)).toEqual(published)
    expect(jsonOf(await runCli(['config', 'schema', '--json']))).toEqual(published)
  })
})

describe('config show', () => {
  it('says what applies and from where, and no password', async () => {
    const cwd = directoryWith({'qicore-db.config.yaml': config})
    const text = await runCli(['config', 'show'], {cwd, columns: 200})
    expectExit(text, 0)
    const [head, ...rest] = text.stdout.replaceAll(cwd, '/x').split(/^(?=Policies|Jobs)/m)
    expect(head).toBe(
      [
        'File: /x/qicore-db.config.yaml',
        'Database: local (config)',
        'Targets:',
        '  local (default): embedded:.qicore/db',
        '  prod: postgres://ops:***@db1/market, as owner, protected, QICORE_PROD_PASSWORD not set',
        'Limits:',
        '  lockTimeout: 3s',
        '  exclusiveLockTimeout: 500ms (default)',
        '  lateAfter: 6h (default)',
        '  maxDropPerRun: 8 (default)',
        'Tables:',
        '  public.ohlcv_data: retention',
        '  desk_b.ticks: described here, compression',
        '',
      ].join('\n'),
    )
    // Values, not names alone; what the file does not set is there too and says so.
    const shown = rest.join('').replaceAll(/\n {4}/g, ' ')
    for (const line of [
      'ohlcv_data compression: after 30 days; segmentBy exchange_id, coin_id, timeframe; orderBy time desc, id desc (default)',
      'ohlcv_data retention: after 2 years, gated\n',
      'level1_data retention: after 7 days, gated (default)',
      'desk_b.ticks compression: none\n',
      'maintain: "0 3 * * *", timezone Europe/Berlin, retries 4\n',
      'partitions: "@daily" (default)',
      'Jobs switched off:\n  refresh\n',
      'timeout 1h, retries 2, backoff 30s',
    ])
      expect(shown).toContain(line)
    expect(shown).not.toMatch(/refresh: (none|")/)
    const json = jsonOf(
      await runCli(['config', 'show', '--json'], {
        cwd,
        env: {QICORE_DB_URL: 'postgres://me:secret@h/d', QICORE_PROD_PASSWORD: 'hidden'},
      }),
    )
    expect(json).toMatchObject({
      kind: 'config.show',
      version: 1,
      target: null,
      chosen: {source: 'QICORE_DB_URL', target: 'postgres://h/d'},
      jobs: ['maintain', 'partitions', 'prune-history', 'retain'],
      jobsOff: ['refresh'],
    })
    expect(JSON.stringify(json)).not.toMatch(/secret|hidden/)
  })

  it('works without a file, and tells all mistakes of one at once', async () => {
    expect(jsonOf(await runCli(['config', 'show', '--json']))).toMatchObject({
      file: null,
      chosen: {error: 'No database is named.'},
    })
    const cwd = directoryWith({
      'qicore-db.config.yaml': `${config.replace(/^jobs:[^]*/m, '')}  desk_b.bad: {columns: [{name: a, type: money}], primaryKey: [b]}\nlimit: {}\n`,
    })
    const result = await runCli(['config', 'show', '--json'], {cwd})
    expectExit(result, 2)
    expect(jsonOf<{error: {message: string}}>(result).error.message).toMatch(
      /line 10: tables\.desk_b\.bad\.columns\.0\.type: [\s\S]*limit/,
    )
  })
})
