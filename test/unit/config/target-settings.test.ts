import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {configFileName, loadConfig} from '../../../src/config/load.js'
import {jobsOf} from '../../../src/config/jobs.js'
import {limitsOf} from '../../../src/config/limits.js'
import {selectedName} from '../../../src/config/target.js'
import {mergeEntries} from '../../../src/config/layers.js'
import {configFor} from '../../../src/config/target-settings.js'
import {OpsError} from '../../../src/errors.js'
import {temporaryDirectory} from '../../helpers/files.js'

const read = (text: string) => {
  const file = join(temporaryDirectory(), configFileName)
  writeFileSync(file, `version: 1\n${text}`)
  return loadConfig(file)
}
const mistakes = async (text: string) => {
  const error = await read(text).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(OpsError)
  return (error as OpsError).message
}

const fleet = `
targets:
  paris: {url: "postgres://a/x", labels: {tier: gold}, limits: {lateAfter: 2h}}
  prod-1:
    url: "postgres://b/x"
    tables: {public.ticks: {retention: {after: 90 days}}, "public.trades": {compression: none}}
    jobs: {maintain: {schedule: "0 3 * * *"}, refresh: none}
  tenants: {url: "postgres://c/postgres", databases: "tenant_*", role: owner, protected: true}
groups:
  eu: {targets: [paris, "prod-*"], labels: {region: eu, tier: silver}, limits: {lateAfter: 1h, maxDropPerRun: 3}}
  small: {targets: [tenants/tenant_a], limits: {maxDropPerRun: 1}}
limits: {lateAfter: 12h, lockTimeout: 4s}
tables:
  "\\"public\\".ticks": {compression: {after: 7 days}, retention: {after: 1 year}}
jobs:
  maintain: {schedule: "0 2 * * *", timezone: Europe/Berlin}
`

describe('the settings of a target', () => {
  it('replace those of its groups, which replace those of the file', async () => {
    const config = await read(fleet)
    const limits = (name: string | null) => limitsOf(configFor(config, name), {}, {})
    expect(limits(null)).toMatchObject({lateAfter: 12 * 3_600_000, lockTimeout: 4_000, maxDropPerRun: 8})
    expect(limits('prod-1')).toMatchObject({lateAfter: 3_600_000, lockTimeout: 4_000, maxDropPerRun: 3})
    expect(limits('paris')).toMatchObject({lateAfter: 2 * 3_600_000, maxDropPerRun: 3})
    expect(configFor(config, 'paris').labels).toEqual({region: 'eu', tier: 'gold'})
    expect(configFor(config, null).labels).toEqual({})
  })

  it('keep the fields of a table that they do not have, and replace a job as a whole', async () => {
    const config = await read(fleet)
    const prod = configFor(config, 'prod-1')
    expect(prod.tables).toMatchObject({
      '"public".ticks': {compression: {after: {days: 7}}, retention: {after: {days: 90}}},
      'public.trades': {compression: 'none'},
    })
    const jobs = jobsOf(prod.jobs)
    expect(jobs.find(({name}) => name === 'maintain')).toMatchObject({schedule: '0 3 * * *', timezone: 'UTC'})
    expect(jobs.map(({name}) => name)).not.toContain('refresh')
    expect(jobsOf(configFor(config, 'paris').jobs).find(({name}) => name === 'maintain')).toMatchObject({
      timezone: 'Europe/Berlin',
    })
  })

  it('apply to every database of a target, and those of a group also to one database', async () => {
    const config = await read(fleet)
    expect(limitsOf(configFor(config, 'tenants/tenant_a'), {}, {}).maxDropPerRun).toBe(1)
    expect(limitsOf(configFor(config, 'tenants/tenant_b'), {}, {}).maxDropPerRun).toBe(8)
  })

  it('are those of the target that --target, QICORE_TARGET or the default selects; a URL has those of the file', async () => {
    const config = {...(await read(fleet)), default: 'paris'}
    const name = (request: {url?: string; target?: string}, env = {}) =>
      selectedName({changes: false, ...request}, env, config)
    expect(name({target: 'prod-1'})).toBe('prod-1')
    expect(name({}, {QICORE_TARGET: 'prod-1'})).toBe('prod-1')
    expect(name({})).toBe('paris')
    expect(name({url: 'postgres://b/x'})).toBeNull()
    expect(name({}, {DATABASE_URL: 'postgres://b/x'})).toBeNull()
  })
})

describe('mistakes in targets and groups', () => {
  it('are reported together, each with its path', async () => {
    const message = await mistakes(`
default: many
targets:
  a: {url: "postgres://a/x", limits: {lateAfter: 7}, jobs: {maintain: {schedule: sometimes}}, labels: {target: x}}
  b: {url: "embedded:db", databases: "*"}
  many: {url: "postgres://c/x", databases: "tenant_*"}
  p: {url: "postgres://d/x", tables: {public.own: {hypertable: {time: at}}}}
groups:
  a: {targets: [a]}
  g: {targets: [a, nowhere, "z*", a/x, many/other, many/tenant_1, "many/*"]}
  h: {targets: [a], tables: {public.ticks: {columns: [{name: at, type: timestamptz}]}}, colour: red}
`)
    for (const wanted of [
      /line 3: default: "many" has many databases/,
      /targets\.a\.limits\.lateAfter: .*7 days or 7 seconds/,
      /targets\.a\.jobs\.maintain\.schedule: /,
      /targets\.a\.labels\.target: a label has letters/,
      /targets\.b\.databases: an embedded directory has one database/,
      /targets\.p\.tables\.public\.own\.hypertable: it describes a table, but the table has no columns/,
      /groups\.a: a target has the same name/,
      /groups\.g\.targets\.1: "nowhere" is not a target \(targets: a, b, many, p\)/,
      /groups\.g\.targets\.2: "z\*" is not a target/,
      /groups\.g\.targets\.3: "a\/x" is not a target/,
      /groups\.g\.targets\.4: "many\/other" is not a target/,
      /groups\.h\.tables\.public\.ticks: it has columns, but no primaryKey/,
      /groups\.h\.colour: is not a field here \(fields: targets, labels, limits, tables, aggregates, jobs\)/,
    ])
      expect(message).toMatch(wanted)
    expect(message).not.toMatch(/targets\.[56]/)
  })

  it('include a setting of a target that does not fit the table that the file describes', async () => {
    const text = (field: string) => `
targets:
  a: {url: "postgres://a/x", tables: {public.own: {${field}}}}
tables:
  public.own:
    columns: [{name: at, type: timestamptz}, {name: price, type: numeric}]
    primaryKey: [at]
    hypertable: {time: at}
`
    await expect(read(text('compression: {after: 7 days, segmentBy: [price]}'))).resolves.toBeDefined()
    expect(await mistakes(text('compression: {after: 7 days, segmentBy: [gone]}'))).toMatch(
      /targets\.a\.tables\.public\.own\.compression/,
    )
  })
})

describe('merging', () => {
  const layer = fc.dictionary(
    fc.constantFrom('public.a', '"public"."a"', 'public.b', 'x."B"'),
    fc.dictionary(fc.constantFrom('compression', 'retention', 'reorder'), fc.integer({min: 0, max: 9})),
  )

  it('has for each table and field the value of the last layer that has it', () => {
    fc.assert(
      fc.property(fc.array(layer, {maxLength: 4}), (layers) => {
        const same = (key: string) => key.replaceAll('"', '')
        // Two spellings of one table in one section are a mistake of the file.
        fc.pre(layers.every((each) => new Set(Object.keys(each).map(same)).size === Object.keys(each).length))
        const merged = mergeEntries(layers)
        const tables = new Set(layers.flatMap((each) => Object.keys(each).map(same)))
        expect(new Set(Object.keys(merged).map(same))).toEqual(tables)
        for (const [key, entry] of Object.entries(merged)) {
          const values = layers.flatMap((each) =>
            Object.entries(each).flatMap(([other, fields]) => (same(other) === same(key) ? [fields] : [])),
          )
          expect(entry).toEqual(Object.assign({}, ...values))
        }
      }),
    )
  })
})
