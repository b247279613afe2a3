import {Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import {ExitCode} from '../../errors.js'
import type {CronStatus as Status} from '../../pg-cron/status.js'

interface StatusReport extends Status {
  kind: 'cron.status'
  version: 1
  target: string
  at: string
}

export default class CronStatus extends ReportCommand<typeof CronStatus> {
  static override summary = 'What pg_cron runs of ours, how that ended, and what is missing or altered.'
  static override description =
    `Joins pg_cron's schedule (cron.job), its word on each run (cron.job_run_details) and our own ledger, which also knows of steps that failed within a run that pg_cron calls a success. Shows whether pg_cron's scheduler is alive, what is missing, altered, switched off or left over, and the entries of others in this database, which are never touched and never a failure.
Changes nothing, also as a role that may only read; what it may not see is unknown. Exits 3 by --fail-on.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --fail-on unknown',
  ]
  static override flags = {
    'fail-on': Flags.option({
      options: ['never', 'late', 'unknown'] as const,
      default: 'late',
      summary: 'What makes the exit code 3: nothing, what is wrong or late, or also what is unknown.',
    })(),
  }

  static override tables() {
    return {'': async () => (await import('../../pg-cron/status-table.js')).cronJobsTable}
  }

  async run(): Promise<StatusReport> {
    const [{readCronStatus}, {cronJobsTable}, {jobsAndContext}] = await Promise.all([
      import('../../pg-cron/status.js'),
      import('../../pg-cron/status-table.js'),
      import('../../pg-cron/request.js'),
    ])
    const [config, limits] = [await this.loadConfig(), await this.limits()]
    const report = await this.withDatabase(async (db): Promise<StatusReport> => {
      const head = await this.reportHead(db)
      const {jobs, context} = jobsAndContext({config, limits, at: head.at})
      return {
        kind: 'cron.status',
        ...head,
        ...(await readCronStatus(db, {jobs, context, applicationName: this.connectOptions(false).applicationName})),
      }
    })
    const {'fail-on': failOn} = this.flags
    const wrong =
      report.jobs.some(({ok}) => ok === false || (failOn === 'unknown' && ok === null)) ||
      report.left.length > 0 ||
      report.qicoreSchema.state === 'older'
    const failed = failOn !== 'never' && wrong
    if (failed) process.exitCode = ExitCode.found
    const jobs = await this.show(cronJobsTable, report, report.jobs, async () =>
      (await import('../../cli/render/cron.js')).aroundCronStatus(report, failed),
    )
    return {...report, jobs}
  }
}
