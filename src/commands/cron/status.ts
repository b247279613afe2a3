import {Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {ExitCode} from '../../errors.js'
import type {CronStatus as Status} from '../../pg-cron/status.js'

interface StatusReport extends Status {
  kind: 'cron.status'
  version: 1
  target: string
  at: string
}

export default class CronStatus extends TargetReport<typeof CronStatus, StatusReport, StatusReport> {
  static override summary = 'Show what pg_cron runs, the last results, and missing or altered entries.'
  static override description =
    "Joins pg_cron's schedule (cron.job), its run details (cron.job_run_details) and the ledger, which also has " +
    "the steps that failed in a run that pg_cron reports as a success. Shows whether pg_cron's scheduler is " +
    'running, which entries are missing, altered, disabled or left over, and the foreign entries of this ' +
    'database, which are never changed and never count as a failure.\n' +
    'Changes nothing and needs read access only; what the role may not read is unknown. Exits 3 by --fail-on.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --fail-on unknown',
  ]
  static override flags = {
    'fail-on': Flags.option({
      options: ['never', 'late', 'unknown'] as const,
      default: 'late',
      summary: 'Exit 3: never, if something is wrong or late, or also if something is unknown.',
    })(),
  }

  static override tables() {
    return {'': async () => (await import('../../pg-cron/status-table.js')).cronJobsTable}
  }

  protected override readonly kind = 'cron.status'

  protected override async reading(): Promise<Reading<StatusReport, StatusReport>> {
    const [{readCronStatus}, {cronJobsTable}, {jobsAndContext}] = await Promise.all([
      import('../../pg-cron/status.js'),
      import('../../pg-cron/status-table.js'),
      import('../../pg-cron/request.js'),
    ])
    return {
      read: async (db, {config, limits}) => {
        const head = await this.reportHead(db)
        const {jobs, context} = jobsAndContext({config, limits: limits(), at: head.at})
        return {
          kind: 'cron.status',
          ...head,
          ...(await readCronStatus(db, {jobs, context, applicationName: this.connectOptions(false).applicationName})),
        }
      },
      exitCode: (report) => (this.fails(report) ? ExitCode.found : undefined),
      show: async (report, show) => ({
        ...report,
        jobs: await show(cronJobsTable, report, report.jobs, async () =>
          (await import('../../cli/render/cron.js')).aroundCronStatus(report, this.fails(report)),
        ),
      }),
    }
  }

  private fails({jobs, left, qicoreSchema}: StatusReport): boolean {
    const {'fail-on': failOn} = this.flags
    const wrong =
      jobs.some(({ok}) => ok === false || (failOn === 'unknown' && ok === null)) ||
      left.length > 0 ||
      qicoreSchema.state === 'older'
    return failOn !== 'never' && wrong
  }
}
