import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import type {DetachedReport} from '../../partitions/retain/detached.js'

interface Report extends DetachedReport {
  kind: 'partitions.detached'
  version: 1
  target: string
  at: string
}

export default class PartitionsDetached extends TargetReport<typeof PartitionsDetached, Report, Report> {
  static override summary = 'List detached partitions: age, size, stage of retention, and the next stage.'
  static override description =
    'Lists the partitions that qicore-db detached and kept, also after their tables were renamed or moved. A ' +
    'table that was dropped outside qicore-db is listed as gone.\n' +
    'Also lists tables that a drop detached but did not drop, and tables with the name and the columns of a ' +
    'partition but without a record: no retention stage touches those.\n' +
    "Rows are the planner's estimate. Never waits for a lock: a table that another session has locked " +
    'exclusively has no size.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> crypto_prices',
    '<%= config.bin %> <%= command.id %> --all-targets --format csv',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name'})}
  static override flags = {
    dropped: Flags.boolean({summary: 'Also list the partitions that a stage of retention has dropped.'}),
  }

  static override tables() {
    return {'': async () => (await import('../../partitions/retain/detached-table.js')).detachedTable}
  }

  protected override readonly kind = 'partitions.detached'

  protected override async reading(): Promise<Reading<Report, Report>> {
    const [{readDetached}, {partitionRules}, {partitionsDefined}, {findPartitioned}, {detachedTable}] =
      await Promise.all([
        import('../../partitions/retain/detached.js'),
        import('../../config/partitions.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/find-table.js'),
        import('../../partitions/retain/detached-table.js'),
      ])
    const {table} = this.args
    const {dropped} = this.flags
    return {
      read: async (db, {config}) => {
        const rules = partitionRules(config, await partitionsDefined(db))
        const relation = table === undefined ? null : await findPartitioned(db, table)
        return {
          kind: 'partitions.detached',
          ...(await this.reportHead(db)),
          ...(await readDetached(db, {rules, relation, dropped})),
        }
      },
      show: async (report, show) => ({
        ...report,
        detached: await show(detachedTable, report, report.detached, async () =>
          (await import('../../cli/render/detached.js')).aroundDetached(report),
        ),
      }),
    }
  }
}
