import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../helpers/cli.js'
import {directoryWith} from '../helpers/files.js'

const config = `version: 1
default: local
targets:
  local: {url: "embedded:.qicore/db"}
  prod: {url: "postgres://ops:\${QICORE_PROD_PASSWORD}@db1/market", role: owner, protected: true}
limits: {lockTimeout: 3s}
tables:
  public.ohlcv_data: {retention: {after: 2 years}}
  desk_b.ticks: {columns: [{name: time, type: timestamptz}], primaryKey: [time], hypertable: {time: time}, compression: none}
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
    const text = await runCli(['config', 'show'], {cwd})
    expectExit(text, 0)
    expect(text.stdout.replaceAll(cwd, '/x')).toBe([
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
    ].join('\n'))
    const json = jsonOf(await runCli(['config', 'show', '--json'], {cwd, env: {QICORE_DB_URL: 'postgres://me:secret@h/d', QICORE_PROD_PASSWORD: 'hidden'}}))
    expect(json).toMatchObject({kind: 'config.show', version: 1, target: null, chosen: {source: 'QICORE_DB_URL', target: 'postgres://me:***@h/d'}})
    expect(JSON.stringify(json)).not.toMatch(/secret|hidden/)
  })

  it('works without a file, and tells all mistakes of one at once', async () => {
    expect(jsonOf(await runCli(['config', 'show', '--json']))).toMatchObject({file: null, chosen: {error: 'No database is named.'}})
    const cwd = directoryWith({'qicore-db.config.yaml': `${config}  desk_b.bad: {columns: [{name: a, type: money}], primaryKey: [b]}\nlimit: {}\n`})
    const result = await runCli(['config', 'show', '--json'], {cwd})
    expectExit(result, 2)
    expect((jsonOf<{error: {message: string}}>(result)).error.message).toMatch(/line 10: tables\.desk_b\.bad\.columns\.0\.type: [\s\S]*limit/)
  })
})
