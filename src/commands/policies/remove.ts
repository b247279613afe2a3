import {Args, Flags} from '@oclif/core'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../cli/policy-command.js'

export default class PoliciesRemove extends PolicyCommand<typeof PoliciesRemove> {
  static override summary = 'Remove a policy by hand.'
  static override description =
    `TimescaleDB's own and ours alike. No data is changed: what is compressed stays compressed. Says when the configuration now disagrees. Removing a refresh under a retention is refused (exit 7): the retention would drop what the aggregate never sees, or stop for ever.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> retention ticks --dry-run',
    '<%= config.bin %> <%= command.id %> refresh hourly --job 1012 --yes',
  ]
  static override args = {
    kind: Args.string({
      description: 'which policy',
      required: true,
      options: ['compression', 'retention', 'refresh', 'reorder'],
    }),
    table: Args.string({description: 'table or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...policyChangeFlags,
    job: Flags.integer({summary: 'This one, where there are several of the kind.', min: 1, helpValue: '<id>'}),
  }

  async run(): Promise<PolicyChangeReport> {
    const kind = this.args.kind as 'compression' | 'retention' | 'refresh' | 'reorder'
    return this.change(await import('../../policies/tools.js'), this.args.table, {kind, rule: 'none'}, this.flags.job)
  }
}
