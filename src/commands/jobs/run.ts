import {Args} from '@oclif/core'
import type {Changing} from '../../cli/fleet/changing.js'
import {changeFlags} from '../../cli/flags.js'
import {TargetChange} from '../../cli/target-change.js'
import {ExitCode, type ErrorDocument} from '../../errors.js'

interface RunJobReport {
  kind: 'jobs.run'
  version: 1
  target: string
  at: string
  job: string
  dryRun: boolean
  status: 'planned' | 'done' | 'failed' | 'skipped' | 'interrupted'
  reason: string | null
  error: string | null
  notes: readonly string[]
  problems: readonly ErrorDocument[]
  steps: {
    id: string
    status: string
    ms: number | null
    bytes: number | null
    error: string | null
    reason: {code: string; step?: string} | null
    note: string | null
    sql?: string
    lock?: string
    class?: string
  }[]
}

export default class JobsRun extends TargetChange<typeof JobsRun, RunJobReport> {
  static override summary = 'Run a job once, now.'
  static override description =
    'Runs the same operation as the daemon and records it in the same ledger. Refused while the job is running ' +
    '(exit 5).\n' +
    '--dry-run shows the plan. On a read-only replica the run is skipped, which is not a failure.\n' +
    'On many targets a job runs only where none of its steps needs a confirmation; the other targets are ' +
    'refused.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> maintain --dry-run',
    '<%= config.bin %> <%= command.id %> maintain',
    '<%= config.bin %> <%= command.id %> analyze --all-targets',
  ]
  static override args = {job: Args.string({description: 'job', required: true})}
  static override flags = {
    'dry-run': changeFlags['dry-run'],
    sql: changeFlags.sql,
    yes: changeFlags.yes,
    confirm: changeFlags.confirm,
    accept: changeFlags.accept,
  }

  protected override async changing(): Promise<Changing<RunJobReport>> {
    const [{runJobOnce}, {checkedJobs}, {jobNamed}, {reportHead}] = await Promise.all([
      import('../../cli/run-job.js'),
      import('../../jobs/run/check.js'),
      import('../../cli/jobs.js'),
      import('../../cli/report-head.js'),
    ])
    const {args, flags} = this
    return {
      // A replica is not an error: the run is skipped.
      changes: false,
      rows: true,
      prepare: (config) => {
        const job = jobNamed(checkedJobs(config, Date.now()), args.job, config)
        return async (db, {mode, lockWait}) => {
          const head = {
            kind: 'jobs.run' as const,
            ...(await reportHead(db)),
            job: job.name,
            dryRun: flags['dry-run'] ?? false,
          }
          if (db.server.inRecovery) {
            mode.report('This server is a read-only replica: skipped.')
            return {
              report: {...head, status: 'skipped', reason: 'replica', error: null, notes: [], problems: [], steps: []},
              exitCode: undefined,
            }
          }
          const {exitCode, ...result} = await runJobOnce(db, job, {
            ...mode,
            config,
            lockWait: await lockWait(10_000),
            version: this.config.version,
            at: head.at,
          })
          return {report: {...head, ...result}, exitCode: exitCode === ExitCode.done ? undefined : exitCode}
        }
      },
    }
  }
}
