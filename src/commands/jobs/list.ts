import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import {terminal} from '../../cli/terminal.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'

interface ListReport {
  kind: 'jobs.list'
  version: 1
  target: string
  at: string
  jobs: ListedJob[]
  daemons: DaemonSeen[]
}

export default class JobsList extends BaseCommand<typeof JobsList> {
  static override summary = 'The scheduled jobs: when they run next, how they ended last, who runs them.'
  static override description =
    'Those of the configuration, the defaults without one, and what only the ledger of this database knows. Changes nothing.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']
  static override flags = {...tableFlags}

  async run(): Promise<ListReport> {
    const [{checkedJobs}, {listJobs}, {daemonCommand}, {halfState}] = await Promise.all([
      import('../../jobs/run/check.js'),
      import('../../jobs/store/job-list.js'),
      import('../../cli/jobs.js'),
      import('../../db/condition.js'),
    ])
    let daemon: string | null = null
    const report = await this.withDatabase(async (db): Promise<ListReport> => {
      // In a half-state a daemon would do nothing, or damage: it is not advised.
      daemon = halfState(db.server) === null ? daemonCommand(db.target) : null
      const head = await this.reportHead(db)
      const now = Date.parse(head.at)
      return {kind: 'jobs.list', ...head, ...(await listJobs(db, checkedJobs(await this.loadConfig(), now), now))}
    })
    if (this.jsonEnabled()) return report
    const {csv, 'no-headers': noHeaders} = this.flags
    if (csv) {
      const {renderCsv} = await import('../../cli/render/table.js')
      this.logRaw(
        renderCsv(
          report.jobs,
          [
            'name',
            'kind',
            'schedule',
            'timezone',
            'runner',
            'state',
            'next',
            'lastStatus',
            'lastStartedAt',
            'lastCompletedAt',
          ],
          !noHeaders,
        ),
      )
      return report
    }
    const {renderJobs} = await import('../../cli/render/jobs.js')
    this.log(renderJobs(report, daemon, {...terminal(), headers: !noHeaders}))
    return report
  }
}
