import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {planRefresh} from '../../../src/aggregates/plan-refresh.js'
import {lengthInWords, offsetInWords} from '../../../src/catalog/offset-words.js'
import {newTable, qualifiedName, type Table} from '../../../src/catalog/table.js'
import {timeUnitSetting} from '../../../src/catalog/time-unit-advice.js'
import type {LivePolicy} from '../../../src/catalog/live-policies.js'
import {retentionDisagrees} from '../../../src/chunks/policy-conflicts.js'
import {cutoffOf} from '../../../src/chunks/range.js'
import {configFileName, loadConfig} from '../../../src/config/load.js'
import type {Database} from '../../../src/db/database.js'
import {OpsError} from '../../../src/errors.js'
import {parseDuration} from '../../../src/units/duration.js'
import {temporaryDirectory} from '../../helpers/files.js'

const ticks = newTable({
  kind: 'hypertable',
  schema: 'Desk "b"',
  name: "ti.ck's",
  relation: 1,
  timeColumn: 't',
  time: 'integer',
})
const over = (source: Table, name: string): Table =>
  newTable({
    ...ticks,
    kind: 'aggregate',
    schema: 'public',
    name,
    aggregate: {source, watermark: null, bucketWidth: null, variableBuckets: false},
  })
const unknown = {now: null, unit: null, time: 'integer'} as const

/** The setting at the end of a suggestion, parsed as the configuration. */
async function settingIn(suggestion: string): Promise<unknown> {
  const file = join(temporaryDirectory(), configFileName)
  writeFileSync(file, `version: 1\n${suggestion.slice(suggestion.indexOf('tables: '))}\n`)
  return (await loadConfig(file)).tables
}

async function refusalOf(work: () => unknown): Promise<OpsError> {
  try {
    await work()
  } catch (error) {
    expect(error).toBeInstanceOf(OpsError)
    return error as OpsError
  }
  throw new Error('not refused')
}

describe('if the unit of an integer time column is not known', () => {
  const expected = {[qualifiedName(ticks)]: {timeUnit: 'ms'}}

  it('an age is refused with a line that is valid in the configuration', async () => {
    const {code, suggestions} = await refusalOf(() => cutoffOf(ticks, unknown, {age: parseDuration('7d')}))
    expect(code).toBe('NO_CLOCK')
    expect(await settingIn(suggestions[0]!)).toMatchObject(expected)
  })

  it('a refresh is refused with the setting of the hypertable under the aggregate, because aggregates have none', async () => {
    const aggregate = over(over(ticks, 'hourly'), 'daily')
    const request = {aggregate, clock: unknown, span: null, policies: [], acceptLoss: false}
    const {code, suggestions} = await refusalOf(() => planRefresh({} as Database, request))
    expect(code).toBe('NO_CLOCK')
    expect(await settingIn(suggestions[0]!)).toMatchObject(expected)
  })

  it('a unit that contradicts the rows is refused with the unit that fits them', async () => {
    const clock = {...unknown, contradiction: {declared: 's', seen: 'us', rowsIn: '1970'}} as const
    const {code, suggestions} = await refusalOf(() => cutoffOf(ticks, clock, {age: parseDuration('7d')}))
    expect(code).toBe('WRONG_UNIT')
    expect(await settingIn(suggestions[0]!)).toMatchObject({[qualifiedName(ticks)]: {timeUnit: 'us'}})
  })

  it('the suggested setting is for the same table, whatever its name', async () => {
    const name = fc.string({unit: 'grapheme', minLength: 1, maxLength: 30}).filter((text) => !text.includes('\0'))
    const {parse} = await import('yaml')
    fc.assert(
      fc.property(name, name, (schema, table) => {
        const setting = timeUnitSetting({...ticks, schema, name: table}, 'ns')
        expect(setting).not.toContain('\n')
        expect(parse(setting)).toEqual({tables: {[qualifiedName({schema, name: table})]: {timeUnit: 'ns'}}})
      }),
    )
  })
})

describe('a length on integer time', () => {
  it('is shown in words if the unit is known, and as a number otherwise', () => {
    expect(offsetInWords(8_640_000n, 's')).toBe('100 days')
    expect(offsetInWords(5_400_000n, 'ms')).toBe('1 hour 30 minutes')
    expect(offsetInWords(1_500n, 'us')).toBe('1500 us')
    expect(offsetInWords(86_400_000_000_001n, 'ns')).toBe('86400000000001 ns')
    expect(offsetInWords(8_640_000n, 'unknown')).toBe('8640000')
    expect(offsetInWords(null, 's')).toBe('open')
    expect(lengthInWords(604_800_000_000n, 'time')).toBe('7 days')
  })

  it('parses back from words to the same length', () => {
    fc.assert(
      fc.property(fc.bigInt({min: 1n, max: 10n ** 12n}), (length) => {
        const {months, days, seconds} = parseDuration(offsetInWords(length, 'ms'))
        expect({months, ms: Math.round((days * 86_400 + seconds) * 1000)}).toEqual({months: 0, ms: Number(length)})
      }),
    )
  })

  it('is in words in the note that chunks are younger than the live retention, and equals a declared age in days', () => {
    const chunk = {schema: 'c', name: 'c', relation: 2, start: 999_990_000n, end: 999_999_000n, status: 0}
    const table = {...ticks, chunks: [chunk]} as unknown as Table
    const policy = {table, kind: 'retention', after: 8_640_000n, job: null} as unknown as LivePolicy
    const clock = {now: 1_000_000_000n, unit: 's', time: 'integer'} as const
    const notes = (declared: string | null) =>
      retentionDisagrees(
        {table, clock, policies: [policy], declared: declared === null ? null : parseDuration(declared)},
        table.chunks,
      )
    expect(notes(null)).toEqual(['The chunk is younger than the live retention of 100 days.'])
    expect(notes('100d')).toHaveLength(1)
    expect(notes('99d')[1]).toContain('is declared as 99 days, but the live policy has 100 days')
  })
})
