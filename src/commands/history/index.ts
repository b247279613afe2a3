import {Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {instantFlag} from '../../cli/flags.js'
import {tableFlags} from '../../cli/table-flags.js'
import type {HistorySource, RecordedRun} from '../../reports/history.js'

interface HistoryReport {
  kind: 'history'
  version: 1
  target: string
  at: string
  source: HistorySource
  /** Null where this role may not read the record: what ran is not known. */
  runs: RecordedRun[] | null
}

const fields = [
  'id',
  'operation',
  'job',
  'tables',
  'scheduledAt',
  'startedAt',
  'completedAt',
  'ms',
  'status',
  'reason',
  'attempts',
  'runBy',
  'actor',
  'application',
  'targetHost',
  'steps',
  'error',
] as const

export default class History extends BaseCommand<typeof History> {
  static override summary = 'Every recorded change: when, what, who, by hand or by a job, and how it ended.'
  static override description =
    `Each run that changed the database through qicore-db, its daemon or its procedures is a row of qicore.maintenance_log. A change that was made past them, with psql for example, is not in it.
A run whose process was killed is "interrupted" (a job's run "failed") with the reason session_ended: its finished steps are kept, and when it ended is not known. \`jobs history\` has the scheduled runs with their due times.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --table ohlcv_data --since 2026-11-01',
    '<%= config.bin %> <%= command.id %> --limit 100 --json',
  ]
  static override flags = {
    ...tableFlags,
    table: Flags.string({
      summary: 'Only changes of this table or aggregate; it need not exist any more.',
      helpValue: '<table>',
    }),
    since: instantFlag({summary: 'Only from this time on.'}),
    limit: Flags.integer({
      char: 'n',
      summary: 'How many, newest first.',
      default: 20,
      min: 1,
      max: 100_000,
      helpValue: '<n>',
    }),
  }

  async run(): Promise<HistoryReport> {
    const {readRuns} = await import('../../reports/history.js')
    const {table, since, limit} = this.flags
    const report = await this.withDatabase(
      async (db): Promise<HistoryReport> => ({
        kind: 'history',
        ...(await this.reportHead(db)),
        ...(await readRuns(db, {table: table ?? null, since: since ?? null, limit})),
      }),
    )
    await this.showTable({rows: report.runs ?? [], fields}, async (look) =>
      (await import('../../cli/render/history.js')).renderRuns(report, look),
    )
    return report
  }
}
