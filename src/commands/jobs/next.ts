import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import type {ComingRun} from '../../jobs/store/next-runs-table.js'

interface NextReport {
  kind: 'jobs.next'
  version: 1
  target: string
  at: string
  runs: ComingRun[]
  /** Jobs that will not run until they are resumed. */
  paused: string[]
}

export default class JobsNext extends ReportCommand<typeof JobsNext> {
  static override summary = 'List the next runs in order, with local times.'
  static override description =
    'Uses the schedules in force in the database, including pauses. `jobs simulate` works for any time range ' +
    'and without a database.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> maintain -n 5',
  ]
  static override args = {job: Args.string({description: 'only this job'})}
  static override flags = {
    limit: Flags.integer({
      char: 'n',
      summary: 'How many.',
      default: 10,
      min: 1,
      max: 10_000,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../jobs/store/next-runs-table.js')).comingRunsTable}
  }

  async run(): Promise<NextReport> {
    const [{checkedJobs}, {comingRuns}, {comingRunsTable}] = await Promise.all([
      import('../../jobs/run/check.js'),
      import('../../jobs/store/next-runs.js'),
      import('../../jobs/store/next-runs-table.js'),
    ])
    const config = await this.loadConfig()
    const report = await this.withDatabase(async (db): Promise<NextReport> => {
      const head = await this.reportHead(db)
      const now = Date.parse(head.at)
      let jobs = checkedJobs(config, now)
      if (this.args.job !== undefined) {
        const {jobNamed} = await import('../../cli/jobs.js')
        jobs = [jobNamed(jobs, this.args.job, config)]
      }
      return {kind: 'jobs.next', ...head, ...(await comingRuns(db, jobs, now, this.flags.limit))}
    })
    const runs = await this.show(comingRunsTable, report, report.runs, async () =>
      (await import('../../cli/render/jobs.js')).aroundNext(report.runs, report.paused),
    )
    return {...report, runs}
  }
}
