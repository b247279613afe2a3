import {describe, expect, it} from 'vitest'
import {jobsOf} from '../../../src/config/jobs.js'
import {loadConfig} from '../../../src/config/load.js'
import {directoryWith} from '../../helpers/files.js'

const load = (jobs: string) =>
  loadConfig(`${directoryWith({'qicore-db.config.yaml': `version: 1\njobs:\n${jobs}`})}/qicore-db.config.yaml`)
const refusal = (jobs: string) =>
  load(jobs).then(
    () => expect.unreachable(),
    (error: Error) => error.message,
  )

describe('jobs of the configuration', () => {
  it('override the defaults, and `none` removes one', async () => {
    const {jobs} = await load(
      '  maintain: { schedule: "0 3 * * *", timezone: Europe/Berlin, window: "01:00-05:00", timeout: 2 hours }\n  partitions: { ahead: 5 }\n  refresh: none\n',
    )
    const all = jobsOf(jobs)
    expect(all.map(({name, declared}) => [name, declared])).toEqual([
      ['maintain', true],
      ['partitions', true],
      ['prune-history', false],
      ['retain', false],
      ['snapshot', false],
    ])
    expect(all[0]).toMatchObject({
      schedule: '0 3 * * *',
      timezone: 'Europe/Berlin',
      window: '01:00-05:00',
      timeout: 7_200_000,
      catchUp: 'once',
      overlap: 'skip',
    })
    expect(all[1]).toMatchObject({schedule: '@daily', options: {ahead: 5}})
  })

  it('take their kind from their name or from `kind`', async () => {
    const {jobs} = await load(
      '  analyze: { schedule: "@daily" }\n  count: { kind: sql, schedule: "*/10 * * * * *", statement: "select 1" }\n',
    )
    expect(
      jobsOf(jobs)
        .filter(({kind}) => ['sql', 'analyze'].includes(kind))
        .map(({name, kind}) => [name, kind]),
    ).toEqual([
      ['analyze', 'analyze'],
      ['count', 'sql'],
    ])
  })

  it('have all mistakes reported together, each with its line and path', async () => {
    const message =
      await refusal(`  maintain: { schedule: "0 25 * * *", timezone: Mars/Olympus, window: "01:00-01:00", timeout: 5m, speed: 1 }
  x: { kind: dance, schedule: "@daily" }
  y: { schedule: "@daily" }
  z: { kind: sql, schedule: "* *", file: a.sql, statement: select 1 }
  analyze: {}
  Not A Name: { kind: analyze, schedule: "@daily" }
`)
    expect(message).toMatch(/^\S+ has 11 mistakes:/)
    for (const words of [
      'line 3: jobs.maintain.schedule: "0 25 * * *": hour "25"',
      'jobs.maintain.timezone: not a time zone',
      'jobs.maintain.window: it has no length',
      'jobs.maintain.timeout: "5m" could mean 5 minutes or 5 months',
      'line 3: jobs.maintain.speed: is not a field here (fields: kind, schedule, timezone',
      'line 4: jobs.x.kind: ',
      'jobs.y.kind: ',
      'jobs.z.schedule: "* *" is not a schedule',
      'jobs.z.statement: it needs either statement or file',
      'jobs.analyze.schedule: it needs a schedule',
      '"Not A Name"',
    ])
      expect(message).toContain(words)
  })

  it.each(['__proto__', 'constructor', 'toString'])(
    'may not have the name %s, and it causes no crash',
    async (name) => {
      const {jobs} = await load(`  "${name}": none\n`).catch(() => ({jobs: {}}))
      expect(jobsOf(jobs)).toEqual(jobsOf({}))
    },
  )
})
