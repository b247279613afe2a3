import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {loadConfig} from '../../../src/config/load.js'
import {editConfig, printSections, type Edit} from '../../../src/config/write.js'
import {temporaryDirectory} from '../../helpers/files.js'

const text = `# ours
version: 1
default: prod # where it all is
targets:
  prod: { url: "postgres://db/market" }
tables: # by hand
  # the ticks
  '"public".ticks': { retention: { after: 14 days } } # two weeks
  desk.fills: {}
jobs: {}
`

const edits: Edit[] = [
  {section: 'tables', key: 'public.ticks', field: 'compression', value: {after: '7 days', segmentBy: ['symbol']}},
  {section: 'tables', key: 'public.ticks', field: 'retention', value: {after: '30 days'}},
  {section: 'tables', key: 'desk.fills', field: 'timeUnit', value: 'ms'},
  {
    section: 'aggregates',
    key: 'public.hourly',
    field: 'refresh',
    value: {startOffset: '3 days', endOffset: '1 hour', every: '1 hour'},
  },
]

describe('editing a configuration', () => {
  it('keeps comments and everything else, finds a table under another spelling, and reads back', async () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'qicore-db.config.yaml')
    writeFileSync(file, text)
    await editConfig(file, edits)
    const written = readFileSync(file, 'utf8')
    for (const comment of ['# ours', '# where it all is', '# by hand', '# the ticks', '# two weeks'])
      expect(written).toContain(comment)
    const config = await loadConfig(file)
    expect(Object.keys(config.tables)).toEqual(['"public".ticks', 'desk.fills'])
    expect(config.tables['"public".ticks']).toMatchObject({
      compression: {after: {days: 7}, segmentBy: ['symbol']},
      retention: {after: {days: 30}},
    })
    expect(config.tables['desk.fills']).toEqual({timeUnit: 'ms'})
    expect(config.aggregates['public.hourly']).toMatchObject({refresh: {every: {seconds: 3_600}}})
    expect(config.default).toBe('prod')
    await editConfig(file, edits)
    expect(readFileSync(file, 'utf8')).toBe(written)
    expect(readdirSync(directory)).toEqual(['qicore-db.config.yaml'])
  })

  it('keeps the comments of a section that is still empty', async () => {
    const file = join(temporaryDirectory(), 'qicore-db.config.yaml')
    writeFileSync(file, 'version: 1\ntables: # ours\n# by desk\naggregates: # none yet\n# the end\n')
    await editConfig(file, edits)
    const written = readFileSync(file, 'utf8')
    for (const comment of ['# ours', '# by desk', '# none yet', '# the end']) expect(written).toContain(comment)
    expect(Object.keys((await loadConfig(file)).tables)).toHaveLength(2)
  })

  it('leaves the file unchanged if the result would not be a valid configuration', async () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'qicore-db.config.yaml')
    writeFileSync(file, text)
    await expect(
      editConfig(file, [{section: 'tables', key: 'public.ticks', field: 'compression', value: {after: '7'}}]),
    ).rejects.toMatchObject({code: 'CONFIG', exitCode: 2})
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(directory)).toEqual(['qicore-db.config.yaml'])
  })

  it('adds sections that are missing', async () => {
    const file = join(temporaryDirectory(), 'qicore-db.config.yaml')
    writeFileSync(file, 'version: 1\n')
    await editConfig(file, edits)
    expect(Object.keys((await loadConfig(file)).tables)).toEqual(['public.ticks', 'desk.fills'])
    expect(await printSections(edits.slice(3))).toBe(
      'aggregates:\n  public.hourly:\n    refresh: { startOffset: 3 days, endOffset: 1 hour, every: 1 hour }\n',
    )
    expect(await printSections([])).toBe('')
  })
})
