import {Args, Flags} from '@oclif/core'
import type {Database} from '../../db/database.js'
import {instantFlag} from '../../cli/flags.js'
import {ReportCommand} from '../../cli/report-command.js'
import {ExitCode} from '../../errors.js'
import type {JobAuditReport} from '../../jobs/store/audit-report.js'
import type {Occurrence} from '../../jobs/store/history.js'

interface HistoryReport {
  kind: 'jobs.history'
  version: 1
  target: string
  at: string
  occurrences: Occurrence[]
}
interface AuditReport {
  kind: 'jobs.history.audit'
  version: 1
  target: string
  at: string
  ok: boolean
  jobs: JobAuditReport[]
  timelines: {at: string; message: string}[]
}

const mostRuns = 100_000

export default class JobsHistory extends ReportCommand<typeof JobsHistory> {
  static override summary = 'List the runs of every job; --audit verifies that none is missing or duplicate.'
  static override description =
    '--audit computes the due times of each job from its first declaration to now, with the schedule in force ' +
    'at each time, and compares them with the ledger:\n' +
    'exit 3 on a due time without a row, one with two rows, a row without a due time, a claim whose daemon is ' +
    'gone, or a due time that was not started.\n' +
    'Pauses, changed schedules, failovers and restores are listed as well, because they explain missing runs.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> maintain --failed',
    '<%= config.bin %> <%= command.id %> --audit',
  ]
  static override args = {job: Args.string({description: 'only this job'})}
  static override flags = {
    limit: Flags.integer({
      char: 'n',
      summary: 'Number of runs, newest first.',
      default: 20,
      min: 1,
      max: mostRuns,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
    since: instantFlag({summary: 'Only from this time on.'}),
    failed: Flags.boolean({summary: 'Only failed runs.', exclusive: ['audit']}),
    audit: Flags.boolean({summary: 'Compare the ledger with the due times of the schedules.'}),
  }

  static override tables() {
    return {
      '': async () => (await import('../../jobs/store/history-table.js')).occurrencesTable,
      '--audit': async () => (await import('../../jobs/store/audit-table.js')).auditTable,
    }
  }

  protected override tableName(): string {
    return this.flags.audit ? '--audit' : ''
  }

  /** An audit covers all jobs. */
  protected override rowLimit(): number | undefined {
    return this.flags.audit ? undefined : super.rowLimit()
  }

  async run(): Promise<HistoryReport | AuditReport> {
    return this.flags.audit ? this.audit() : this.history()
  }

  private async history(): Promise<HistoryReport> {
    const [{readHistory}, {occurrencesTable}] = await Promise.all([
      import('../../jobs/store/history.js'),
      import('../../jobs/store/history-table.js'),
    ])
    const {flags, args} = this
    const report = await this.withDatabase(async (db): Promise<HistoryReport> => {
      if (args.job !== undefined) await this.requireJob(db, args.job)
      const occurrences = await readHistory(db, {
        jobs: args.job === undefined ? null : [args.job],
        since: flags.since ?? null,
        statuses: flags.failed ? ['failed'] : null,
        limit: this.readLimit(mostRuns),
      })
      return {kind: 'jobs.history', ...(await this.reportHead(db)), occurrences}
    })
    const occurrences = await this.show(occurrencesTable, report, report.occurrences, async () =>
      (await import('../../cli/render/jobs.js')).aroundOccurrences(report.occurrences),
    )
    return {...report, occurrences}
  }

  /**
   * A job that neither the configuration nor the ledger has is probably a typing error.
   * @throws OpsError NO_SUCH_JOB
   */
  private async requireJob(db: Database, name: string): Promise<void> {
    const [{ledgerJobs}, {jobsOf}, {jobNamed}] = await Promise.all([
      import('../../jobs/store/job-list.js'),
      import('../../config/jobs.js'),
      import('../../cli/jobs.js'),
    ])
    if ((await ledgerJobs(db)).some((job) => job.name === name)) return
    const config = await this.loadConfig()
    jobNamed(jobsOf(config?.jobs ?? {}), name, config)
  }

  private async audit(): Promise<AuditReport> {
    const [{auditReport}, {auditTable}, {jobsOf}] = await Promise.all([
      import('../../jobs/store/audit-report.js'),
      import('../../jobs/store/audit-table.js'),
      import('../../config/jobs.js'),
    ])
    const config = await this.loadConfig()
    const report = await this.withDatabase(
      async (db): Promise<AuditReport> => ({
        kind: 'jobs.history.audit',
        ...(await this.reportHead(db)),
        ...(await auditReport(db, jobsOf(config?.jobs ?? {}), this.flags.since ?? null, this.args.job ?? null)),
      }),
    )
    if (!report.ok) process.exitCode = ExitCode.found
    const jobs = await this.show(auditTable, report, report.jobs, async () =>
      (await import('../../cli/render/audit.js')).aroundAudit(report),
    )
    return {...report, jobs}
  }
}
