import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import type {QueriesReport} from '../../reports/queries.js'

const mostQueries = 10_000

export default class StatsQueries extends TargetReport<typeof StatsQueries, QueriesReport, QueriesReport> {
  static override summary = 'List statements by total time, from pg_stat_statements.'
  static override description =
    'With a table: only statements whose text mentions it. Counted since pg_stat_statements was last reset; the ' +
    'report has that time if the server records it. A statement that ran inside another one is marked, because ' +
    'the time of the outer one includes it. If pg_stat_statements is not installed or not loaded, the report is ' +
    'empty and names the commands that install it; statements of other roles need pg_read_all_stats.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices --limit 5 --json',
  ]
  static override args = {table: Args.string({description: 'table, view or partition, as name or schema.name'})}
  static override flags = {
    limit: Flags.integer({
      char: 'n',
      summary: 'Number of statements.',
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

  protected override readonly kind = 'stats.queries'

  protected override async reading(): Promise<Reading<QueriesReport, QueriesReport>> {
    const [{readQueries}, {queriesTable}, {reportTarget}] = await Promise.all([
      import('../../reports/queries.js'),
      import('../../reports/queries-table.js'),
      import('../../config/target.js'),
    ])
    const limit = this.readLimit(mostQueries)
    return {
      read: async (db) => ({
        ...(await readQueries(db, {table: this.args.table, limit})),
        target: reportTarget(db),
      }),
      show: async (report, show) => ({
        ...report,
        queries: await show(queriesTable, report, report.queries, async () =>
          (await import('../../cli/render/stats.js')).aroundQueries(report),
        ),
      }),
    }
  }
}
