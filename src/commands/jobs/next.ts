import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {terminal} from '../../cli/terminal.js'

interface Next {
  job: string
  at: string
  local: string
}
interface NextReport {
  kind: 'jobs.next'
  version: 1
  target: string
  at: string
  runs: Next[]
  /** Jobs that will not run by themselves. */
  paused: string[]
}

export default class JobsNext extends BaseCommand<typeof JobsNext> {
  static override summary = 'The coming runs, in order, with local times.'
  static override description =
    'By the calendars in force in the database, pauses included. `jobs simulate` does it for any time and without a database.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> maintain -n 5',
  ]
  static override args = {job: Args.string({description: 'only this job'})}
  static override flags = {
    limit: Flags.integer({char: 'n', summary: 'How many.', default: 10, min: 1, max: 10_000, helpValue: '<n>'}),
  }

  async run(): Promise<NextReport> {
    const [{checkedJobs}, {comingRuns}] = await Promise.all([
      import('../../jobs/run/check.js'),
      import('../../jobs/store/next-runs.js'),
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
    if (this.jsonEnabled()) return report
    const {renderNext} = await import('../../cli/render/jobs.js')
    this.log(renderNext(report, {...terminal(), headers: true}))
    return report
  }
}
