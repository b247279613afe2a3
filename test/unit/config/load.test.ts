import {existsSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {configFileName, findConfigFile, loadConfig} from '../../../src/config/load.js'
import {limitsOf} from '../../../src/config/limits.js'
import {ExitCode, OpsError} from '../../../src/errors.js'
import {temporaryDirectory} from '../../helpers/files.js'

function written(text: string | Buffer): string {
  const file = join(temporaryDirectory(), configFileName)
  writeFileSync(file, text)
  return file
}

async function refusal(text: string | Buffer): Promise<OpsError> {
  const error = await loadConfig(written(text)).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OpsError)
  expect((error as OpsError).exitCode).toBe(ExitCode.usage)
  return error as OpsError
}

const whole = `
version: 1
default: local
targets:
  local: { url: "embedded:.qicore/db" }
  prod:
    url: \${QICORE_PROD_URL}
    directUrl: \${QICORE_PROD_DIRECT_URL}
    role: market_owner
    protected: true
limits: { lockTimeout: 2s, exclusiveLockTimeout: 500ms, maxDropPerRun: 8, lateAfter: 6h }
tables:
  public.crypto_prices: { compression: { after: 7 days, segmentBy: [exchange_id, coin_id], orderBy: [time desc, id desc] } }
  public.level1_data: { chunkInterval: 1 day, compression: none, retention: { after: 7 days } }
  desk_b.ticks: { timeUnit: ms, retention: { after: 90 days } }
aggregates:
  public.hourly_price_averages: { refresh: { startOffset: 3 hours, endOffset: 1 hour, every: 1 hour } }
jobs:
  maintain: { schedule: "0 2 * * *", timezone: UTC, window: "01:00-05:00", timeout: 2 hours }
`

describe('the configuration', () => {
  it('is read completely, with parsed durations', async () => {
    const config = await loadConfig(written(whole))
    expect(config.targets.prod).toMatchObject({role: 'market_owner', protected: true})
    expect(config.tables['public.crypto_prices']!.compression).toMatchObject({after: {months: 0, days: 7, seconds: 0}})
    expect(config.tables['public.level1_data']!.compression).toBe('none')
    expect(limitsOf(config, {}, {})).toMatchObject({
      lockTimeout: 2_000,
      exclusiveLockTimeout: 500,
      maxDropPerRun: 8,
      lateAfter: 6 * 3_600_000,
    })
  })

  it('reports all mistakes together, each with its line and path', async () => {
    const {message} = await refusal(`version: 1
default: nowhere
targets:
  prod: { url: "postgres://u:geheim@db/x", colour: red }
  desk: { url: "\${DESK_URL}", directUrl: "host=db password=geheim" }
tables:
  public.a: { compression: { after: 7 } }
  public.b: { retention: { after: 6m } }
  public.c: { chunkIntervall: 1 day }
  nodot: { retention: { after: 1 day } }
`)
    expect(message).toMatch(
      /line 4: targets\.prod\.colour: is not a field here \(fields: url, directUrl, role, protected, databases, labels, limits, tables, aggregates, jobs\)/,
    )
    expect(message).toMatch(/line 4: targets\.prod\.url: a password/)
    expect(message).toMatch(/line 5: targets\.desk\.directUrl: a password/)
    expect(message).toMatch(/line 2: default: there is no target "nowhere"/)
    expect(message).toMatch(/line 7: tables\.public\.a\.compression\.after: .*7 days or 7 seconds/)
    expect(message).toMatch(/line 8: tables\.public\.b\.retention\.after: .*6 minutes or 6 months/)
    expect(message).toMatch(
      /line 9: tables\.public\.c\.chunkIntervall: is not a field here; did you mean chunkInterval\?/,
    )
    expect(message).toMatch(/tables\.nodot: .*schema\.table/)
    expect(message).not.toContain('geheim')
  })

  it('also checks the contents of a field with a wrong name, and orders mistakes by line', async () => {
    const {message, suggestions} = await refusal(`version: 1
tables:
  public.a:
    compresion:
      after: 5m
      segmentby: [symbol]
    retention: 7
limits: { lockTimout: soon }
jobs:
  maintain: { catchUp: onc }
`)
    expect(message.split('\n').slice(1)).toEqual([
      '- line 4: tables.public.a.compresion: is not a field here; did you mean compression?',
      '- line 5: tables.public.a.compresion.after: "5m" could mean 5 minutes or 5 months.',
      '- line 6: tables.public.a.compresion.segmentby: is not a field here; did you mean segmentBy?',
      '- line 7: tables.public.a.retention: must be none or a map of fields, not 7',
      '- line 8: limits.lockTimout: is not a field here; did you mean lockTimeout?',
      '- line 8: limits.lockTimout: "soon" is not a duration.',
      '- line 10: jobs.maintain.catchUp: must be one of none, once, all, not the text "onc"; did you mean once?',
    ])
    // The documentation is in the installed package.
    const pages = suggestions.join(' ').match(/\S+\.md/g)!
    expect(pages).toHaveLength(2)
    for (const page of pages) expect(existsSync(page)).toBe(true)
  })

  it.each([
    ['postgres://u:${PW}@h/x', true],
    ['postgres://u:@h/x', true],
    ['postgres://${ROLE}@h/x', true],
    ['${URL}', true],
    ['postgres://u@h/x?password=${PW}&sslmode=require', true],
    ['embedded:.qicore/db', true],
    ['postgres://u:geheim@h/x', false],
    ['postgres://u:${PW}geheim@h/x', false],
    ['postgres://u@h/x?sslpassword=geheim', false],
    ['postgres://u@h/x?password=geheim', false],
    ['host=h password=geheim', false],
  ])('%s is allowed in the file: %s', async (url, may) => {
    const text = `version: 1\ntargets: { prod: { url: "${url}" } }\n`
    if (may) expect((await loadConfig(written(text))).targets.prod!.url).toBe(url)
    else expect((await refusal(text)).message).toMatch(/targets\.prod\.url: a password does not belong/)
  })

  it('refuses a default target that does not exist and a password in the file, without printing the password', async () => {
    const {message} = await refusal(
      'version: 1\ndefault: nowhere\ntargets: { prod: { url: "postgres://u:geheim@db/x" } }\n',
    )
    expect(message).toContain('there is no target "nowhere"')
    expect(message).toContain('targets.prod.url: a password does not belong')
    expect(message).not.toContain('geheim')
  })

  it.each([
    ['a key twice', 'version: 1\ntargets: {}\ntargets: {}\n', /line 3: .*unique/i],
    ['an alias of nothing', 'version: *x\n', /Unresolved alias/],
    ['no YAML', 'version: [1\n', /line \d+: /],
    ['another version', 'version: 2\n', /version/],
    ['a list', '- a\n', /the file/],
    ['nothing', '', /version: /],
    [
      'a field that is missing',
      'version: 1\ntables:\n  a.b:\n    primaryKey: [a]\n    columns:\n      - {type: text}\n',
      /line 6: tables\.a\.b\.columns\.0\.name: is missing \(text\)/,
    ],
    [
      'a NUL',
      'version: 1\ntables:\n  a.b: {columns: [{name: "a\\0b", type: text}], primaryKey: ["a\\0b"]}\n',
      /line 3: tables\.a\.b\.columns\.0\.name: "a\\u0000b" has a NUL/,
    ],
    [
      'a target that zod would leave out',
      'version: 1\ntargets:\n  __proto__: {url: "embedded:x"}\n',
      /targets\.__proto__: it cannot be a name/,
    ],
    [
      'a table under two spellings',
      `version: 1\ntables:\n  a.b: {retention: none}\n  '"a".b': {compression: none}\n`,
      /line 4: tables\."a"\.b: it is the same table as a\.b/,
    ],
    [
      'aliases of aliases of aliases',
      `version: 1\na: &a [${'1,'.repeat(20)}1]\nb: &b [${'*a,'.repeat(20)}*a]\nc: [${'*b,'.repeat(20)}*b]\n`,
      /Excessive alias count/,
    ],
    ['a list without end', `version: ${'['.repeat(20_000)}\n`, /and \d+ more/],
    [
      'numbers that are none',
      'version: 1\nlimits: {maxDropPerRun: .inf}\n',
      /line 2: limits\.maxDropPerRun: .*Infinity/,
    ],
    [
      'a number as text',
      'version: 1\nlimits: {maxDropPerRun: "8"}\n',
      /line 2: limits\.maxDropPerRun: must be a number, not the text "8"/,
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
  ])('refuses %s, with line and path', async (_, text, pattern) => {
    expect((await refusal(text)).message).toMatch(pattern)
  })

  it('never crashes, whatever the file contains', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        const outcome = await loadConfig(written(text)).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(OpsError)
      }),
      {numRuns: 100},
    )
  })

  it.each(['targets', 'tables', 'aggregates', 'jobs', 'limits'])(
    'with nothing behind "%s:" is a mistake or empty, never a failure of the program',
    async (key) => {
      const result = await loadConfig(written(`version: 1\n${key}:\n`)).catch((error: unknown) => error)
      if (result instanceof Error) expect(result).toMatchObject({code: 'CONFIG', exitCode: 2})
      else expect(result).toMatchObject({version: 1})
    },
  )

  it('may have a byte order mark and Windows line ends', async () => {
    const config = await loadConfig(written(`\ufeff${whole.replaceAll('\n', '\r\n')}`))
    expect(config.tables).toEqual((await loadConfig(written(whole))).tables)
  })

  it('is found in the nearest directory above', () => {
    const file = written(whole)
    expect(findConfigFile(join(file, '..', 'a', 'b'))).toBe(file)
    expect(findConfigFile('/')).toBeNull()
  })
})
