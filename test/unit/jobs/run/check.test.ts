import {describe, expect, it} from 'vitest'
import {loadConfig} from '../../../../src/config/load.js'
import {nextDueTime} from '../../../../src/schedule/due-times.js'
import {checkedJobs, runnableJobs} from '../../../../src/jobs/run/check.js'
import {giveBackMemory} from '../../../../src/daemon/memory.js'
import {directoryWith} from '../../../helpers/files.js'

const now = Date.parse('2026-01-01T00:00:00Z')
const load = (jobs: object, files: Record<string, string> = {}) =>
  loadConfig(
    `${directoryWith({'qicore-db.config.yaml': JSON.stringify({version: 1, jobs}), ...files})}/qicore-db.config.yaml`,
  )
const sql = (over: object) => ({kind: 'sql', schedule: '@hourly', ...over})

describe('the jobs of a daemon', () => {
  it('are refused with all mistakes of schedules, windows, files and SQL together', async () => {
    const config = await load(
      {
        never: sql({schedule: '0 0 31 2 *', statement: 'select 1'}),
        shut: sql({schedule: '0 12 * * *', window: '01:00-02:00', statement: 'select 1'}),
        hasty: sql({schedule: '* * * * *', jitter: '2min', statement: 'select 1'}),
        gone: sql({file: 'nowhere.sql'}),
        typo: sql({statement: 'select 1;\nselct 2'}),
        own: sql({file: 'report.sql'}),
        begins: sql({statement: 'begin; select 1; commit'}),
        two: sql({statement: 'vacuum; vacuum', transaction: 'none'}),
        empty: sql({statement: '-- nothing'}),
      },
      {'report.sql': 'select 1;\n\ninsert in t'},
    )
    const message = await runnableJobs(config, now).then(
      () => expect.unreachable(),
      (error: Error) => error.message,
    )
    expect(message.split('\n').slice(1).sort()).toEqual([
      '- jobs.begins.statement:1: BEGIN, COMMIT, DISCARD and similar statements are not allowed in a job.',
      '- jobs.empty.statement has no statement.',
      '- jobs.gone.file: nowhere.sql cannot be read (ENOENT)',
      '- jobs.hasty.jitter: 120 s is not shorter than the 60 s between two runs',
      '- jobs.never.schedule: "0 0 31 2 *" never occurs',
      '- jobs.own.file: report.sql:3: syntax error at or near "in"',
      '- jobs.shut.window: no run of "0 12 * * *" UTC is within 01:00-02:00',
      '- jobs.two.statement has 2 statements, but "transaction: none" allows only one.',
      '- jobs.typo.statement:2: syntax error at or near "selct"',
    ])
    expect(message).toMatch(/ has 9 mistakes:\n/)
    // Reading only schedules needs no SQL.
    expect(() => checkedJobs(config, now)).toThrow('4 mistakes')
  })

  it('have their statements, each with the line on which it begins', async () => {
    const jobs = await runnableJobs(
      await load({report: sql({file: 'report.sql'})}, {'report.sql': "select 'a;b';\n\n-- and\ndelete from t"}),
      now,
    )
    const {options} = jobs.find(({name}) => name === 'report')!
    expect(options).toMatchObject({
      statements: [
        {text: "select 'a;b'", line: 1},
        {text: expect.stringContaining('delete from t'), lock: 'ROW EXCLUSIVE'},
      ],
    })
  })
})

it('with a thousand different schedules take no more than a few megabytes', async () => {
  await giveBackMemory()
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 1_000; n += 1)
    nextDueTime({schedule: `${n % 60} ${n % 24} ${1 + (n % 28)} * *`, timezone: 'UTC'}, now)
  await giveBackMemory()
  // Unmodified croner: 84 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(15_000_000)
})
