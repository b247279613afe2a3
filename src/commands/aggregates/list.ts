import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import type {AggregatesReport} from '../../aggregates/list.js'

const fields = [
  'schema',
  'view',
  'bucket',
  'watermark',
  'lagSeconds',
  'totalBytes',
  'rawFrom',
  'rawGone',
  'policyReachesGone',
] as const

export default class AggregatesList extends BaseCommand<typeof AggregatesList> {
  static override summary = 'Aggregates: how far they are computed, what is pending, what has lost its rows.'
  static override description =
    `UP TO is TimescaleDB's watermark, LAG its age. PENDING counts ranges before it whose rows changed since they were computed. An aggregate is marked ! when its refresh policy reaches to where rows of its source are gone: a refresh there loses history.
Changes nothing and waits for no lock.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']
  static override flags = tableFlags

  async run(): Promise<AggregatesReport> {
    const [{readAggregates}, {readManaged}, {reportTarget}] = await Promise.all([
      import('../../aggregates/list.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const report = await this.withDatabase(async (db) => {
      const {timeUnits} = await readManaged(db, await this.loadConfig())
      return {...(await readAggregates(db, timeUnits)), target: reportTarget(db)}
    })
    await this.showTable({rows: report.aggregates, fields}, async (look) =>
      (await import('../../cli/render/aggregates.js')).renderAggregates(report, look),
    )
    return report
  }
}
