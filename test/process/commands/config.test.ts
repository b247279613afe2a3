import {readFileSync, realpathSync} from 'node:fs'
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
  it('prints the schema that the package publishes', async () => {
    const published = JSON.parse(readFileSync(join(root, 'config.schema.json'), 'utf8')) as unknown
    expect(JSON.parse((await runCli(['config', 'schema'])).stdout)).toEqual(published)
    expect(jsonOf(await runCli(['config', 'schema', '--json']))).toEqual(published)
  })
})

describe('config show', () => {
  it('prints the settings in effect and their source, and no password', async () => {
    const cwd = directoryWith({'qicore-db.config.yaml': config})
    const text = await runCli(['config', 'show'], {cwd, columns: 200})
    expectExit(text, 0)
    const [head, ...rest] = text.stdout.replaceAll(cwd, '/x').split(/^(?=Policies|Jobs)/m)
    expect(head).toBe(
      [
        'File: /x/qicore-db.config.yaml',
        'Database: local (config)',
        'Role for changes: the connecting role (default)',
        'Migrations: all (default)',
        'Targets (file):',
        '  local (default): embedded:.qicore/db',
        '  prod: postgres://ops:***@db1/market, as owner, protected, QICORE_PROD_PASSWORD not set',
        'Limits:',
        '  lockTimeout: 3s (file)',
        '  exclusiveLockTimeout: 500ms (default)',
        '  lateAfter: 6h (default)',
        '  maxDropPerRun: 8 (default)',
        '  acceptedHazards: none (default)',
        'Tables (file):',
        '  public.ohlcv_data: retention',
        '  desk_b.ticks: described here, compression',
        '',
      ].join('\n'),
    )
    // Values, not only names; settings that the file does not have are included and marked.
    const shown = rest.join('').replaceAll(/\n {4}/g, ' ')
    for (const line of [
      'ohlcv_data compression: after 30 days; segmentBy exchange_id, coin_id, timeframe; orderBy time desc, id desc (default)',
      'ohlcv_data retention: after 2 years, gated (file)',
      'level1_data retention: after 7 days, gated (default)',
      'desk_b.ticks compression: none (file)',
      'maintain: "0 3 * * *", timezone Europe/Berlin, retries 4 (file)',
      'partitions: "@daily" (default)',
      'Disabled jobs (file):\n  refresh\n',
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
      jobs: ['maintain', 'partitions', 'prune-history', 'retain', 'snapshot'],
      jobsOff: ['refresh'],
    })
    expect(JSON.stringify(json)).not.toMatch(/secret|hidden/)
  })

  it('prints every value with its source: flag over environment over file over default', async () => {
    const cwd = directoryWith({'qicore-db.config.yaml': config})
    const file = join(realpathSync(cwd), 'qicore-db.config.yaml')
    const settings = async (args: readonly string[], env: Record<string, string> = {}) => {
      const report = jsonOf<{settings: Record<string, unknown>[]}>(
        await runCli(['config', 'show', '--json', ...args], {cwd, env}),
      )
      const shown = new Map(report.settings.map((row) => [`${row.section} ${row.name} ${row.setting}`, row]))
      return (name: string) => {
        const {value, from, source} = shown.get(name)!
        return [value, from, source]
      }
    }
    const env = {QICORE_LOCK_TIMEOUT: '4s', QICORE_ROLE: 'from_env', QICORE_TARGET: 'prod', QICORE_PROD_PASSWORD: 'x'}
    const byFlag = await settings(['--lock-timeout', '5s', '--role', 'typed', '--target', 'local'], env)
    expect(byFlag('limit lockTimeout value')).toEqual(['5s', 'flag', '--lock-timeout'])
    expect(byFlag('general role value')).toEqual(['typed', 'flag', '--role'])
    expect(byFlag('general database value')).toEqual(['local', 'flag', '--target'])
    const byVariable = await settings([], env)
    expect(byVariable('limit lockTimeout value')).toEqual(['4s', 'environment', 'QICORE_LOCK_TIMEOUT'])
    expect(byVariable('general role value')).toEqual(['from_env', 'environment', 'QICORE_ROLE'])
    expect(byVariable('general database value')).toEqual(['prod', 'environment', 'QICORE_TARGET'])
    const byFile = await settings([])
    expect(byFile('limit lockTimeout value')).toEqual(['3s', 'config', file])
    expect(byFile('general database value')).toEqual(['local', 'config', file])
    expect(byFile('job maintain retries')).toEqual([4, 'config', file])
    for (const name of ['limit exclusiveLockTimeout value', 'general migrations value', 'job maintain timeout'])
      expect(byFile(name).slice(1), name).toEqual(['default', null])
    const libpq = await settings([], {PGHOST: 'db1', PGDATABASE: 'market'})
    expect(libpq('general database value')).toEqual([null, 'environment', 'PGHOST PGDATABASE'])
    const wrong = await runCli(['config', 'show', '--json'], {cwd, env: {QICORE_LOCK_TIMEOUT: '7m'}})
    expectExit(wrong, 2)
    expect(jsonOf(wrong)).toMatchObject({
      error: {code: 'DURATION', message: expect.stringMatching(/^QICORE_LOCK_TIMEOUT: "7m" could mean/)},
    })
  })

  it('works without a file, and reports all mistakes of a file together', async () => {
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
