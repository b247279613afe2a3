import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import {ExitCode} from '../../errors.js'
import type {PartitionsReport} from '../../partitions/list.js'

interface ListReport extends PartitionsReport {
  kind: 'partitions.list'
  version: 1
  target: string
  at: string
}

export default class PartitionsList extends ReportCommand<typeof PartitionsList> {
  static override summary = 'List partition sets: ranges, rows, bytes, gaps, missing and pending partitions.'
  static override description =
    `Without a table it lists every set of every schema, declared or not. With a table it lists the partitions, newest first.
Rows are the planner's estimate. Never waits for a lock: a partition that another session has locked exclusively has no size.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices',
    '<%= config.bin %> <%= command.id %> --check',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name'})}
  static override flags = {
    check: Flags.boolean({
      summary:
        'Exit 3 if a declared set has missing partitions, gaps, rows in its default partition, or a partly detached partition.',
    }),
  }

  static override tables() {
    return {
      '': async () => (await import('../../partitions/list-table.js')).setsTable,
      '<table>': async () => (await import('../../partitions/list-table.js')).partitionsTable,
    }
  }

  protected override tableName(): string {
    return this.args.table === undefined ? '' : '<table>'
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
    return this.args.table === undefined ? this.showSets(report) : this.showPartitions(report)
  }

  private async showSets(report: ListReport): Promise<ListReport> {
    const {setsTable} = await import('../../partitions/list-table.js')
    const tables = await this.show(setsTable, report, report.tables, async () =>
      (await import('../../cli/render/partitions.js')).aroundSets(report),
    )
    return {...report, tables}
  }

  private async showPartitions(report: ListReport): Promise<ListReport> {
    const {partitionsTable} = await import('../../partitions/list-table.js')
    const partitions = await this.show(partitionsTable, report, report.partitions, async () =>
      (await import('../../cli/render/partitions.js')).aroundPartitions(report),
    )
    return {...report, partitions}
  }
}
