import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {watchFlags} from '../../cli/watch.js'
import {command} from '../../units/command.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'

interface ListReport {
  kind: 'jobs.list'
  version: 1
  target: string
  at: string
  jobs: ListedJob[]
  daemons: DaemonSeen[]
}

export default class JobsList extends TargetReport<typeof JobsList, ListReport, ListReport> {
  static override summary = 'List the scheduled jobs with their next run, last result and runner.'
  static override description =
    'Lists the jobs of the configuration (or the defaults), and jobs that only the ledger of this database has. ' +
    'RUNS draws the durations of the last 10 runs as bars, with × for a failed run. Changes nothing.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  static override flags = watchFlags

  static override tables() {
    return {'': async () => (await import('../../jobs/store/job-list-table.js')).jobsTable}
  }

  protected override readonly kind = 'jobs.list'

  protected override async reading(): Promise<Reading<ListReport, ListReport>> {
    const [{checkedJobs}, {listJobs}, {jobsTable}, {halfState}] = await Promise.all([
      import('../../jobs/run/check.js'),
      import('../../jobs/store/job-list.js'),
      import('../../jobs/store/job-list-table.js'),
      import('../../db/condition.js'),
    ])
    return {
      read: async (db, {config}) => {
        const head = await this.reportHead(db)
        const now = Date.parse(head.at)
        return {kind: 'jobs.list', ...head, ...(await listJobs(db, checkedJobs(config, now), now))}
      },
      show: async (report, show, {server}) => {
        // No daemon is recommended for a database in a half-state: it would do nothing, or cause damage.
        const daemon = halfState(server) === null ? command('daemon') : null
        const jobs = await show(jobsTable, report, report.jobs, async () =>
          (await import('../../cli/render/jobs.js')).aroundJobs(report, daemon),
        )
        return {...report, jobs}
      },
    }
  }
}
