import {Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {ReportCommand} from '../../cli/report-command.js'
import type {ChangesReport} from '../../reports/history.js'
import {recordedStatuses, type RecordedStatus} from '../../units/recorded-status.js'

interface HistoryReport extends ChangesReport {
  target: string
}

const mostRuns = 100_000

export default class History extends ReportCommand<typeof History> {
  static override summary = 'List recorded changes: time, operation, actor, runner and result.'
  static override description =
    'Lists every run that changed the database through qicore-db, its daemon or its procedures ' +
    '(qicore.maintenance_log). Changes made in another way, for example with psql, are not recorded.\n' +
    `A run whose process was killed is "interrupted" (a job's run "failed") with the reason session_ended: its ` +
    'finished steps are kept, and its end time is unknown. `jobs history` has the scheduled runs with their due ' +
    'times.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --table ohlcv_data --since 2026-11-01',
    '<%= config.bin %> <%= command.id %> --status failed,interrupted --actor daemon',
    '<%= config.bin %> <%= command.id %> --limit 100 --json',
  ]
  static override flags = {
    table: Flags.string({
      summary: 'Only changes of this table or aggregate, even if it no longer exists.',
      helpValue: '<table>',
    }),
    since: instantFlag({summary: 'Only from this time on.'}),
    until: instantFlag({summary: 'Only before this time.'}),
    actor: Flags.string({
      summary: 'Only changes by this role, user, host or daemon; a part of the name is enough.',
      helpValue: '<name>',
    }),
    status: Flags.string({
      multiple: true,
      delimiter: ',',
      options: [...recordedStatuses],
      summary: 'Only runs with this status.',
    }),
    limit: Flags.integer({
      char: 'n',
      summary: 'Number of changes, newest first.',
      default: 20,
      min: 1,
      max: mostRuns,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../reports/history-table.js')).runsTable}
  }

  async run(): Promise<HistoryReport> {
    const [{readRuns}, {runsTable}] = await Promise.all([
      import('../../reports/history.js'),
      import('../../reports/history-table.js'),
    ])
    const {table, since, until, actor, status} = this.flags
    const statuses = (status as RecordedStatus[] | undefined) ?? null
    const limit = this.readLimit(mostRuns)
    const report = await this.withDatabase(
      async (db): Promise<HistoryReport> => ({
        kind: 'history',
        ...(await this.reportHead(db)),
        ...(await readRuns(db, {
          table: table ?? null,
          since: since ?? null,
          until: until ?? null,
          actor: actor ?? null,
          statuses,
          limit,
        })),
      }),
    )
    const runs = await this.show(runsTable, report, report.runs ?? [], async () =>
      (await import('../../cli/render/history.js')).aroundRuns(report),
    )
    return {...report, runs: report.runs === null ? null : runs}
  }
}
