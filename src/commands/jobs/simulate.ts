import {Args, Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {ReportCommand} from '../../cli/report-command.js'
import {usageError} from '../../errors.js'
import {isZone} from '../../units/zone.js'
import type {Simulation} from '../../schedule/simulate.js'

interface SimulateReport extends Simulation {
  kind: 'jobs.simulate'
  version: 1
  target: null
  at: string
}

export default class JobsSimulate extends ReportCommand<typeof JobsSimulate> {
  static override summary = 'List the runs in a time range, and the effect of clock changes on them.'
  static override description =
    'Needs no database and changes nothing. A due time that a clock change skips runs once, right after the ' +
    'change; one that is repeated runs the first time only; schedules with a wildcard or a step keep their ' +
    'interval in real time.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> retain --timezone Europe/Berlin --from 2026-03-28 --to 2026-03-31',
    '<%= config.bin %> <%= command.id %> maintain --from 2026-01-01 --to 2027-01-01 --json',
  ]
  static override args = {job: Args.string({description: 'only this job'})}
  static override flags = {
    from: instantFlag({summary: 'Start of the range; default: now.'}),
    to: instantFlag({summary: 'End of the range; default: a week later.'}),
    timezone: Flags.string({
      summary: 'Time zone for every schedule, instead of that of each job.',
      helpValue: '<zone>',
    }),
    limit: Flags.integer({
      char: 'n',
      summary: 'Number of listed runs; the notes on clock changes are always complete.',
      default: 50,
      min: 0,
      max: 1_000_000,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../schedule/simulate-table.js')).simulatedRunsTable}
  }

  async run(): Promise<SimulateReport> {
    const [{checkedJobs}, {simulate}, {simulatedRunsTable}] = await Promise.all([
      import('../../jobs/run/check.js'),
      import('../../schedule/simulate.js'),
      import('../../schedule/simulate-table.js'),
    ])
    const now = Date.now()
    // The range is half-open on the left from here on, so that an instant at `from` is included.
    const from = this.flags.from === undefined ? now : Date.parse(this.flags.from) - 1
    const to = this.flags.to === undefined ? from + 7 * 86_400_000 : Date.parse(this.flags.to) - 1
    if (to <= from) throw usageError('USAGE', '--to is not after --from.')
    const config = await this.loadConfig()
    let jobs = checkedJobs(config, now)
    if (this.args.job !== undefined) {
      const {jobNamed} = await import('../../cli/jobs.js')
      jobs = [jobNamed(jobs, this.args.job, config)]
    }
    const {timezone} = this.flags
    if (timezone !== undefined && !isZone(timezone))
      throw usageError('TIMEZONE', `There is no time zone "${timezone}".`, [
        'Write a name such as Europe/Berlin or UTC.',
      ])
    if (timezone !== undefined) jobs = jobs.map((job) => ({...job, timezone}))
    const simulation = simulate(jobs, from, to, this.flags.limit)
    const report: SimulateReport = {
      kind: 'jobs.simulate',
      version: 1,
      target: null,
      at: new Date(now).toISOString(),
      ...simulation,
      from: new Date(from + 1).toISOString(),
      to: new Date(to + 1).toISOString(),
    }
    const runs = await this.show(simulatedRunsTable, report, report.runs, async () =>
      (await import('../../cli/render/jobs.js')).aroundSimulation(report),
    )
    return {...report, runs}
  }
}
