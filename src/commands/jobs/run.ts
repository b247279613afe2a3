import {Args} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {ExitCode} from '../../errors.js'

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

export default class JobsRun extends BaseCommand<typeof JobsRun> {
  static override summary = 'Run a job once, now.'
  static override description =
    `Runs the same operation as the daemon and records it in the same ledger. Refused while the job is running (exit 5).
--dry-run prints the plan as SQL. On a read-only replica the run is skipped, which is not a failure.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> maintain --dry-run',
    '<%= config.bin %> <%= command.id %> maintain',
  ]
  static override args = {job: Args.string({description: 'job', required: true})}
  static override flags = {
    'dry-run': changeFlags['dry-run'],
    sql: changeFlags.sql,
    yes: changeFlags.yes,
    confirm: changeFlags.confirm,
    accept: changeFlags.accept,
  }

  async run(): Promise<RunJobReport> {
    const [{runJobOnce}, {checkedJobs}, {jobNamed}, target] = await Promise.all([
      import('../../cli/run-job.js'),
      import('../../jobs/run/check.js'),
      import('../../cli/jobs.js'),
      this.target(true),
    ])
    const config = await this.loadConfig()
    const job = jobNamed(checkedJobs(config, Date.now()), this.args.job, config)
    return this.withDatabase(
      async (db): Promise<RunJobReport> => {
        const head = {
          kind: 'jobs.run' as const,
          ...(await this.reportHead(db)),
          job: job.name,
          dryRun: this.flags['dry-run'] ?? false,
        }
        if (db.server.inRecovery) {
          this.report('This server is a read-only replica: skipped.')
          return {...head, status: 'skipped', reason: 'replica', error: null, notes: [], steps: []}
        }
        const {exitCode, ...result} = await runJobOnce(db, job, {
          flags: this.flags,
          config,
          limits: await this.limits(),
          lockWait: await this.lockWait(10_000),
          version: this.config.version,
          at: head.at,
          interactive: this.interactive,
          json: this.jsonEnabled(),
          quiet: this.quiet,
          sql: (this.flags.sql ?? false) || !process.stdout.isTTY,
          print: (text) => this.log(text),
          printRaw: (text) => this.logRaw(text),
          report: (line) => this.report(line),
        })
        if (exitCode !== ExitCode.done) process.exitCode = exitCode
        return {...head, ...result}
      },
      {target, rows: true},
    )
  }
}
