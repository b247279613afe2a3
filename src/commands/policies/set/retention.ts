import {Args, Flags} from '@oclif/core'
import {durationFlag} from '../../../cli/flags.js'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../../cli/policy-command.js'

export default class PoliciesSetRetention extends PolicyCommand<typeof PoliciesSetRetention> {
  static override summary = 'Set the retention of a table by hand.'
  static override description =
    'Sets a gated retention: once a day older chunks are dropped, each in a transaction of its own. It keeps ' +
    'chunks that an aggregate has not covered and the newest chunk, drops at most limits.maxDropPerRun chunks, ' +
    'and drops nothing if the newest row itself is that old. Your consent is stored with a hash of the policy; ' +
    'a policy that is changed later is not executed.\n' +
    "--native creates TimescaleDB's own policy instead: it deletes within seconds and does not check " +
    "aggregates. If the policy would drop data now or within a day, the target's name is required."
  static override examples = [
    '<%= config.bin %> <%= command.id %> ticks --after 2y --dry-run',
    '<%= config.bin %> <%= command.id %> ticks --after 90d --confirm prod',
  ]
  static override args = {
    table: Args.string({description: 'table or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...policyChangeFlags,
    after: durationFlag({summary: 'Age at which a whole chunk is dropped.', required: true}),
    native: Flags.boolean({summary: "TimescaleDB's own ungated policy."}),
  }

  async run(): Promise<PolicyChangeReport> {
    const {after, native} = this.flags
    return this.change(await import('../../../policies/declared/tools.js'), this.args.table, {
      kind: 'retention',
      rule: {after, native},
    })
  }
}
