import {ReportCommand} from '../../cli/report-command.js'
import {runIdArg} from '../../cli/run-id-arg.js'
import type {HistorySource, RecordedRun, RecordedStep} from '../../reports/history.js'

interface HistoryShowReport {
  kind: 'history.show'
  version: 1
  target: string
  at: string
  source: HistorySource
  run: RecordedRun | null
  steps: RecordedStep[] | null
}

export default class HistoryShow extends ReportCommand<typeof HistoryShow> {
  static override summary = 'Show one recorded change with its steps.'
  static override description =
    'Lists the recorded steps: done, failed or skipped. A step that was not started has no row.'
  static override examples = ['<%= config.bin %> <%= command.id %> 42', '<%= config.bin %> <%= command.id %> 42 --json']
  static override args = {id: runIdArg({description: 'id of the run, as history lists it', required: true})}

  static override tables() {
    return {'': async () => (await import('../../reports/history-table.js')).runStepsTable}
  }

  async run(): Promise<HistoryShowReport> {
    const [{readRun}, words] = await Promise.all([
      import('../../reports/history.js'),
      import('../../reports/history-table.js'),
    ])
    const report = await this.withDatabase(
      async (db): Promise<HistoryShowReport> => ({
        kind: 'history.show',
        ...(await this.reportHead(db)),
        ...(await readRun(db, this.args.id)),
      }),
    )
    const steps = await this.show(words.runStepsTable, report, report.steps ?? [], async () =>
      (await import('../../cli/render/history.js')).aroundOneRun(report, words),
    )
    return {...report, steps: report.steps === null ? null : steps}
  }
}
