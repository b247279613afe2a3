import {Args, Flags} from '@oclif/core'
import {policyKindNames, type PolicyKindName} from '../../engines/policy-kinds.js'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../cli/policy-command.js'

export default class PoliciesRemove extends PolicyCommand<typeof PoliciesRemove> {
  static override summary = 'Remove a policy by hand.'
  static override description =
    'Removes policies of TimescaleDB and of qicore.policies. No data is changed: compressed chunks stay ' +
    'compressed. Reports if the configuration still declares the policy. Removing a refresh under a retention is ' +
    'refused (exit 7): the retention would drop rows that the aggregate has not computed, or hold them back ' +
    'forever.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> retention ticks --dry-run',
    '<%= config.bin %> <%= command.id %> refresh hourly --job 1012 --yes',
  ]
  static override args = {
    kind: Args.string({
      description: 'which policy',
      required: true,
      options: policyKindNames,
    }),
    table: Args.string({description: 'table or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...policyChangeFlags,
    job: Flags.integer({
      summary: 'The job to remove if the table has several policies of the kind.',
      min: 1,
      helpValue: '<id>',
    }),
  }

  async run(): Promise<PolicyChangeReport> {
    const kind = this.args.kind as PolicyKindName
    return this.change(
      await import('../../policies/declared/tools.js'),
      this.args.table,
      {kind, rule: 'none'},
      this.flags.job,
    )
  }
}
