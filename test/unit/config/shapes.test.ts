import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {stringify} from 'yaml'
import {expect, it} from 'vitest'
import {jobsOf} from '../../../src/config/jobs.js'
import {limitsOf} from '../../../src/config/limits.js'
import {loadConfig, type Config} from '../../../src/config/load.js'
import {partitionRules} from '../../../src/config/partitions.js'
import {shownConfig} from '../../../src/config/shown.js'
import {OpsError} from '../../../src/errors.js'
import {temporaryDirectory} from '../../helpers/files.js'

const sections = ['default', 'targets', 'limits', 'tables', 'aggregates', 'jobs'] as const
const file = join(temporaryDirectory(), 'qicore-db.config.yaml')
const load = async (text: string): Promise<Config> => {
  writeFileSync(file, text)
  return loadConfig(file)
}

/** What every command does with a configuration after reading it. */
function used(config: Config): void {
  jobsOf(config.jobs)
  limitsOf(config, {}, {})
  partitionRules(config, true)
  shownConfig(config, {changes: false}, {}, '/')
}

it.each(sections)('an empty section %s has no effect', async (section) => {
  const config = await load(`version: 1\n${section}:\n`)
  used(config)
  expect(jobsOf(config.jobs)).toEqual(jobsOf({}))
})

/** Words with a meaning somewhere in a configuration, and values of every type of YAML. */
const word = fc.constantFrom(
  'public.t',
  'maintain',
  'sql',
  'none',
  'kind',
  'schedule',
  'after',
  'refresh',
  'compression',
  'retention',
  'partitions',
  'columns',
  'name',
  'type',
  'hypertable',
  'time',
  'url',
  'local',
  'every',
  'ahead',
  '7d',
  '5m',
  '@daily',
  '0 2 * * *',
  '__proto__',
  'constructor',
  'toString',
  '',
)
const value = fc.letrec<{any: unknown}>((tie) => ({
  any: fc.oneof(
    {maxDepth: 4},
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    word,
    fc.string({maxLength: 8}),
    fc.array(tie('any'), {maxLength: 3}),
    fc.dictionary(word, tie('any'), {maxKeys: 4}),
  ),
})).any

it('any YAML document is a working configuration or a CONFIG error, never a crash', async () => {
  const whole = fc.record(
    {version: fc.constantFrom(1, 1, 1, 2, null), ...Object.fromEntries(sections.map((section) => [section, value]))},
    {requiredKeys: []},
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof({arbitrary: whole, weight: 4}, {arbitrary: value, weight: 1}), async (input) => {
      try {
        used(await load(stringify(input)))
      } catch (error) {
        expect(error, (error as Error).stack).toBeInstanceOf(OpsError)
        expect(error).toMatchObject({code: 'CONFIG', exitCode: 2})
      }
    }),
    {numRuns: 500},
  )
})

it('any text is a working configuration or a CONFIG error, never a crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({unit: 'binary', maxLength: 60}), async (text) => {
      try {
        used(await load(text))
      } catch (error) {
        expect(error, (error as Error).stack).toBeInstanceOf(OpsError)
      }
    }),
    {numRuns: 200},
  )
})
