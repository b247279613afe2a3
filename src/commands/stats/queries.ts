import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import type {QueriesReport} from '../../reports/queries.js'

const fields = [
  'query',
  'queryId',
  'roles',
  'topLevel',
  'calls',
  'totalMs',
  'sharePercent',
  'meanMs',
  'minMs',
  'maxMs',
  'rows',
  'sharedBlocksHit',
  'sharedBlocksRead',
  'tempBlocksWritten',
] as const

export default class StatsQueries extends BaseCommand<typeof StatsQueries> {
  static override summary = 'Statements by the time they took in all, from pg_stat_statements.'
  static override description =
    `With a table: the statements whose text names it. Counted since pg_stat_statements was last reset; the report says when, where the server does. A statement that ran inside of another one is marked: the time of the other contains it. Where it is not installed or not loaded, the report is empty and says what to do; statements of other roles need pg_read_all_stats.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices --limit 5 --json',
  ]
  static override args = {table: Args.string({description: 'table, view or partition, as name or schema.name'})}
  static override flags = {
    limit: Flags.integer({summary: 'At most so many statements.', default: 20, min: 1, max: 10_000, helpValue: '<n>'}),
    ...tableFlags,
  }

  async run(): Promise<QueriesReport> {
    const [{readQueries}, {reportTarget}] = await Promise.all([
      import('../../reports/queries.js'),
      import('../../config/target.js'),
    ])
    const {limit} = this.flags
    const report = await this.withDatabase(async (db) => ({
      ...(await readQueries(db, {table: this.args.table, limit})),
      target: reportTarget(db),
    }))
    await this.showTable({rows: report.queries, fields, notes: report.notes}, async (look) =>
      (await import('../../cli/render/stats.js')).renderQueries(report, look),
    )
    return report
  }
}
