import {Args} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import type {PolicyWhyReport} from '../../doctor/why/why-policy.js'

export default class PoliciesWhy extends ReportCommand<typeof PoliciesWhy> {
  static override summary = 'Explain why a policy is late: the known facts and the most likely cause.'
  static override description =
    'Reads the declared and the live rule, the runner, the outstanding chunks or ranges with their reasons, the ' +
    'last run and its error, current locks on the table, the condition of the database, and the recorded ' +
    'changes of the table. Ends with one cause and one command.\n' +
    'Changes nothing and never waits for a lock.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> ohlcv_data compression --json',
  ]
  static override args = {
    table: Args.string({description: 'table or aggregate, as name or schema.name', required: true}),
    kind: Args.string({
      description: 'only the policy of this kind',
      options: ['compression', 'retention', 'refresh', 'reorder'],
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../doctor/why/table.js')).evidenceTable}
  }

  async run(): Promise<PolicyWhyReport> {
    const [{explainPolicies}, {policyName}, {evidenceTable}, {readDeclared}, {sectionsOf}, {reportTarget}] =
      await Promise.all([
        import('../../doctor/why/why-policy.js'),
        import('../../doctor/why/policy-evidence.js'),
        import('../../doctor/why/table.js'),
        import('../../policies/declared/read-declared.js'),
        import('../../cli/policy-request.js'),
        import('../../config/target.js'),
      ])
    const {table} = this.args
    const kind = (this.args.kind as PolicyWhyReport['policies'][number]['kind'] | undefined) ?? null
    const report = await this.withDatabase(async (db) => {
      const [declared, {lateAfter}] = [await readDeclared(db, sectionsOf(await this.loadConfig())), await this.limits()]
      return {...(await explainPolicies(db, {declared, lateAfter, table, kind})), target: reportTarget(db)}
    })
    const explained = report.policies.map((each) => ({...each, name: policyName(each)}))
    const rows = explained.flatMap(({name, evidence}) => evidence.map((one) => ({...one, about: name})))
    await this.show(evidenceTable, report, rows, async () =>
      (await import('../../cli/render/why.js')).aroundWhy(explained, report.notes),
    )
    return report
  }
}
