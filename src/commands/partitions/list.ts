import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {ExitCode} from '../../errors.js'
import type {PartitionsReport} from '../../partitions/list.js'

interface ListReport extends PartitionsReport {
  kind: 'partitions.list'
  version: 1
  target: string
  at: string
}

export default class PartitionsList extends TargetReport<typeof PartitionsList, ListReport, ListReport> {
  static override summary = 'List partition sets: ranges, rows, bytes, gaps, missing and pending partitions.'
  static override description =
    'Without a table it lists every set of every schema, declared or not. With a table it lists the partitions, ' +
    'newest first.\n' +
    "Rows are the planner's estimate. Never waits for a lock: a partition that another session has locked " +
    'exclusively has no size.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices',
    '<%= config.bin %> <%= command.id %> --check',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name'})}
  static override flags = {
    check: Flags.boolean({
      summary:
        'Exit 3 if a declared set has missing partitions, gaps, rows in its default partition, or a partly ' +
        'detached partition.',
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

  protected override readonly kind = 'partitions.list'

  protected override async reading(): Promise<Reading<ListReport, ListReport>> {
    const [{readPartitions}, {partitionRules}, {partitionsDefined}, {findPartitioned}, {setsTable, partitionsTable}] =
      await Promise.all([
        import('../../partitions/list.js'),
        import('../../config/partitions.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/find-table.js'),
        import('../../partitions/list-table.js'),
      ])
    const {table} = this.args
    const around = () => import('../../cli/render/partitions.js')
    return {
      read: async (db, {config}) => {
        const rules = partitionRules(config, await partitionsDefined(db))
        const relation = table === undefined ? null : await findPartitioned(db, table)
        return {
          kind: 'partitions.list',
          ...(await this.reportHead(db)),
          ...(await readPartitions(db, rules, relation)),
        }
      },
      exitCode: ({tables, absent}) => {
        const incomplete = tables.some(({managed, findings}) => managed && findings.length > 0) || absent.length > 0
        return this.flags.check && incomplete ? ExitCode.found : undefined
      },
      show: async (report, show) =>
        table === undefined
          ? {
              ...report,
              tables: await show(setsTable, report, report.tables, async () => (await around()).aroundSets(report)),
            }
          : {
              ...report,
              partitions: await show(partitionsTable, report, report.partitions, async () =>
                (await around()).aroundPartitions(report),
              ),
            },
    }
  }
}
