import type {Database} from '../../db/database.js'
import {ReportCommand} from '../../cli/report-command.js'
import {runIdArg} from '../../cli/run-id-arg.js'
import {usageError} from '../../errors.js'
import type {Occurrence} from '../../jobs/store/history.js'
import type {HistorySource, RecordedStep} from '../../reports/history.js'
import {command} from '../../units/command.js'

interface JobShowReport {
  kind: 'jobs.show'
  version: 1
  target: string
  at: string
  source: HistorySource
  /** Null, like `steps`, if this role may not read the ledger. */
  run: Occurrence | null
  steps: RecordedStep[] | null
}

export default class JobsShow extends ReportCommand<typeof JobsShow> {
  static override summary = 'Show one recorded run of a job with its steps.'
  static override description =
    'Shows when it was due, started and ended; which daemon, role or pg_cron ran it, with the fencing token of ' +
    'its claim; its attempts, its error with the SQLSTATE, and each recorded step. A step that was not started ' +
    'has no row.'
  static override examples = ['<%= config.bin %> <%= command.id %> 42', '<%= config.bin %> <%= command.id %> 42 --json']
  static override args = {
    id: runIdArg({description: 'id of the run, as jobs history --json and history list it', required: true}),
  }

  static override tables() {
    return {'': async () => (await import('../../reports/history-table.js')).runStepsTable}
  }

  async run(): Promise<JobShowReport> {
    const {runStepsTable} = await import('../../reports/history-table.js')
    const report = await this.withDatabase(
      async (db): Promise<JobShowReport> => ({
        kind: 'jobs.show',
        ...(await this.reportHead(db)),
        ...(await this.read(db, this.args.id)),
      }),
    )
    const steps = await this.show(runStepsTable, report, report.steps ?? [], async () =>
      (await import('../../cli/render/jobs.js')).aroundOccurrence(report),
    )
    return {...report, steps: report.steps === null ? null : steps}
  }

  private async read(db: Database, id: number): Promise<Pick<JobShowReport, 'source' | 'run' | 'steps'>> {
    const [{readRun}, {readHistory}] = await Promise.all([
      import('../../reports/history.js'),
      import('../../jobs/store/history.js'),
    ])
    const {source, run, steps} = await readRun(db, id)
    if (run === null) return {source, run, steps}
    const [occurrence] = await readHistory(db, {jobs: null, since: null, statuses: null, id, limit: 1})
    if (occurrence === undefined)
      throw usageError('NOT_A_JOB', `Run ${id} is a manual change (${run.operation}), not a run of a job.`, [
        `Show it: ${command('history show', [String(id)])}`,
      ])
    return {source, run: occurrence, steps}
  }
}
