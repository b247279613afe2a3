import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import type {QueriesReport} from '../../reports/queries.js'

const mostQueries = 10_000

export default class StatsQueries extends ReportCommand<typeof StatsQueries> {
  static override summary = 'Statements by the time they took in all, from pg_stat_statements.'
  static override description =
    `With a table: the statements whose text names it. Counted since pg_stat_statements was last reset; the report says when, where the server does. A statement that ran inside of another one is marked: the time of the other contains it. Where it is not installed or not loaded, the report is empty and says what to do; statements of other roles need pg_read_all_stats.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices --limit 5 --json',
  ]
  static override args = {table: Args.string({description: 'table, view or partition, as name or schema.name'})}
  static override flags = {
    limit: Flags.integer({
      char: 'n',
      summary: 'At most so many statements.',
      default: 20,
      min: 1,
      max: mostQueries,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../reports/queries-table.js')).queriesTable}
  }

  async run(): Promise<QueriesReport> {
    const [{readQueries}, {queriesTable}, {reportTarget}] = await Promise.all([
      import('../../reports/queries.js'),
      import('../../reports/queries-table.js'),
      import('../../config/target.js'),
    ])
    const limit = this.readLimit(mostQueries)
    const report = await this.withDatabase(async (db) => ({
      ...(await readQueries(db, {table: this.args.table, limit})),
      target: reportTarget(db),
    }))
    const queries = await this.show(queriesTable, report, report.queries, async () =>
      (await import('../../cli/render/stats.js')).aroundQueries(report),
    )
    return {...report, queries}
  }
}
