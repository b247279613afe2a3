import {Args} from '@oclif/core'
import {durationFlag} from '../../../cli/flags.js'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../../cli/policy-command.js'

export default class PoliciesSetRefresh extends PolicyCommand<typeof PoliciesSetRefresh> {
  static override summary = 'Set the refresh of an aggregate by hand.'
  static override description =
    'Adds the policy or alters it in place: the job keeps its id, owner and history. The window must have at ' +
    'least two buckets and start at least one chunk inside the retention of its source. Runs the same checks as ' +
    'policies apply.'
  static override examples = ['<%= config.bin %> <%= command.id %> hourly --start-offset 3d --end-offset 1h --every 1h']
  static override args = {view: Args.string({description: 'aggregate, as name or schema.name', required: true})}
  static override flags = {
    ...policyChangeFlags,
    'start-offset': durationFlag({summary: 'Age at which the window of a run starts.', required: true}),
    'end-offset': durationFlag({summary: 'Age at which the window of a run ends.', required: true}),
    every: durationFlag({summary: 'How often it runs.', required: true}),
  }

  async run(): Promise<PolicyChangeReport> {
    const {'start-offset': startOffset, 'end-offset': endOffset, every} = this.flags
    return this.change(await import('../../../policies/declared/tools.js'), this.args.view, {
      kind: 'refresh',
      rule: {startOffset, endOffset, every},
    })
  }
}
