import {BaseCommand} from '../../cli/base-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import {terminal} from '../../cli/terminal.js'
import type {AggregatesReport} from '../../ops/aggregates/list.js'

const fields = ['schema', 'view', 'bucket', 'watermark', 'lagSeconds', 'totalBytes', 'rawFrom', 'rawGone', 'policyReachesGone'] as const

export default class AggregatesList extends BaseCommand<typeof AggregatesList> {
  static override summary = 'Aggregates: how far they are computed, what is pending, what has lost its rows.'
  static override description = `UP TO is TimescaleDB's watermark, LAG its age. PENDING counts ranges below it that are not computed as their rows are now. An aggregate is marked ! when its refresh policy reaches to where rows of its source are gone: a refresh there loses history.
Changes nothing and waits for nobody.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']
  static override flags = tableFlags

  async run(): Promise<AggregatesReport> {
    const [{readAggregates}, {readManaged}, {targetLabel}] = await Promise.all([import('../../ops/aggregates/list.js'), import('../../reports/managed.js'), import('../../config/target.js')])
    const {csv, 'no-headers': noHeaders} = this.flags
    const report = await this.withDatabase(async (db) => {
      const {timeUnits} = await readManaged(db, await this.loadConfig())
      return {...(await readAggregates(db, timeUnits)), target: targetLabel(db.target)}
    })
    if (this.jsonEnabled()) return report
    if (csv) {
      const {renderCsv} = await import('../../cli/render/table.js')
      this.log(renderCsv(report.aggregates, fields, !noHeaders))
    } else {
      const {renderAggregates} = await import('../../cli/render/aggregates.js')
      this.log(renderAggregates(report, {...terminal(), headers: !noHeaders}))
    }
    return report
  }
}
