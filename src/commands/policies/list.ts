import {Args} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import type {PolicyListReport} from '../../policies/status/list.js'

export default class PoliciesList extends ReportCommand<typeof PoliciesList> {
  static override summary = 'List the policies that are declared or live, side by side.'
  static override description =
    'Shows the rules only; policies status shows whether their work is done. Changes nothing.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data --json',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}

  static override tables() {
    return {'': async () => (await import('../../policies/status/list-table.js')).policyListTable}
  }

  async run(): Promise<PolicyListReport> {
    const [{readPolicyList}, {policyListTable}, {readDeclared}, {sectionsOf}, {reportTarget}] = await Promise.all([
      import('../../policies/status/list.js'),
      import('../../policies/status/list-table.js'),
      import('../../policies/declared/read-declared.js'),
      import('../../cli/policy-request.js'),
      import('../../config/target.js'),
    ])
    const report = await this.withDatabase(async (db) => {
      const declared = await readDeclared(db, sectionsOf(await this.loadConfig()))
      return {...(await readPolicyList(db, declared, this.args.table)), target: reportTarget(db)}
    })
    const policies = await this.show(policyListTable, report, report.policies, async () =>
      (await import('../../cli/render/policies.js')).aroundPolicyList(report),
    )
    return {...report, policies}
  }
}
