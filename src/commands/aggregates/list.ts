import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import type {AggregatesReport} from '../../aggregates/list.js'

export default class AggregatesList extends TargetReport<typeof AggregatesList, AggregatesReport, AggregatesReport> {
  static override summary = 'List aggregates with their watermark, pending ranges and dropped source rows.'
  static override description =
    "UP TO is TimescaleDB's watermark, LAG its age. PENDING counts ranges before it whose rows changed since " +
    'they were computed. An aggregate is marked ! when its refresh policy extends into a range whose source ' +
    'rows were dropped: a refresh there loses history.\n' +
    'Changes nothing and never waits for a lock.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  static override tables() {
    return {'': async () => (await import('../../aggregates/list-table.js')).aggregatesTable}
  }

  protected override readonly kind = 'aggregates.list'

  protected override async reading(): Promise<Reading<AggregatesReport, AggregatesReport>> {
    const [{readAggregates}, {aggregatesTable}, {declaredUnits}, {reportTarget}] = await Promise.all([
      import('../../aggregates/list.js'),
      import('../../aggregates/list-table.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    return {
      read: async (db, {config}) => ({
        ...(await readAggregates(db, declaredUnits(config))),
        target: reportTarget(db),
      }),
      show: async (report, show) => ({
        ...report,
        aggregates: await show(aggregatesTable, report, report.aggregates, async () =>
          (await import('../../cli/render/aggregates.js')).aroundAggregates(report),
        ),
      }),
    }
  }
}
