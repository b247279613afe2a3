import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import {ExitCode} from '../../errors.js'
import type {PartitionsReport} from '../../partitions/list.js'

interface ListReport extends PartitionsReport {
  kind: 'partitions.list'
  version: 1
  target: string
  at: string
}

const fields = [
  'schema',
  'table',
  'partition',
  'from',
  'to',
  'totalBytes',
  'estimatedRows',
  'isDefault',
  'detachPending',
] as const

export default class PartitionsList extends BaseCommand<typeof PartitionsList> {
  static override summary = 'Partition sets: ranges, rows, bytes, gaps, what is missing or half detached.'
  static override description =
    `Without a table: one line a set, of every schema, declared or not. With a table: its partitions, newest first.
Rows are the planner's estimate. Waits for no lock: a partition that another session holds exclusively has no size here.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices',
    '<%= config.bin %> <%= command.id %> --check',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name'})}
  static override flags = {
    ...tableFlags,
    check: Flags.boolean({
      summary:
        'Exit 3 when a declared set lacks partitions, has gaps, rows in its default partition, or a half detached one.',
    }),
  }

  async run(): Promise<ListReport> {
    const [{readPartitions}, {partitionRules}, {partitionsDefined}, {findPartitioned}] = await Promise.all([
      import('../../partitions/list.js'),
      import('../../config/partitions.js'),
      import('../../partitions/declared.js'),
      import('../../partitions/find-table.js'),
    ])
    const report = await this.withDatabase(async (db) => {
      const rules = partitionRules(await this.loadConfig(), await partitionsDefined(db))
      const relation = this.args.table === undefined ? null : await findPartitioned(db, this.args.table)
      const read: ListReport = {
        kind: 'partitions.list',
        ...(await this.reportHead(db)),
        ...(await readPartitions(db, rules, relation)),
      }
      const wanting =
        read.tables.some(({managed, findings}) => managed && findings.length > 0) || read.absent.length > 0
      if (this.flags.check && wanting) process.exitCode = ExitCode.found
      return read
    })
    await this.showTable({rows: report.partitions, fields}, async (look) => {
      const {renderPartitions, renderSets} = await import('../../cli/render/partitions.js')
      return (this.args.table === undefined ? renderSets : renderPartitions)(report, look)
    })
    return report
  }
}
