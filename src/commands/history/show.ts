import {Args} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
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

const fields = ['step', 'status', 'startedAt', 'completedAt', 'ms', 'attempts', 'bytes', 'note', 'error'] as const

export default class HistoryShow extends BaseCommand<typeof HistoryShow> {
  static override summary = 'One recorded change with its steps.'
  static override description =
    'The steps that were recorded: those that were done, failed or were skipped. A step that was not begun has no row.'
  static override examples = ['<%= config.bin %> <%= command.id %> 42', '<%= config.bin %> <%= command.id %> 42 --json']
  static override args = {id: Args.integer({description: 'id of the run, as history lists it', required: true, min: 1})}
  static override flags = tableFlags

  async run(): Promise<HistoryShowReport> {
    const {readRun} = await import('../../reports/history.js')
    const report = await this.withDatabase(
      async (db): Promise<HistoryShowReport> => ({
        kind: 'history.show',
        ...(await this.reportHead(db)),
        ...(await readRun(db, this.args.id)),
      }),
    )
    await this.showTable({rows: report.steps ?? [], fields}, async (look) =>
      (await import('../../cli/render/history.js')).renderOneRun(report, look),
    )
    return report
  }
}
