import {Args, Flags} from '@oclif/core'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../../cli/policy-command.js'

export default class PoliciesSetReorder extends PolicyCommand<typeof PoliciesSetReorder> {
  static override summary = 'Set the reorder policy of a hypertable by hand.'
  static override description =
    'TimescaleDB sorts the rows of each older chunk once by an index, so that queries that use the index read ' +
    'fewer pages. It skips the two newest chunk ranges and compressed chunks. A chunk that is being rewritten ' +
    'cannot be written to.'
  static override examples = ['<%= config.bin %> <%= command.id %> ticks --index ticks_symbol_time_idx --dry-run']
  static override args = {
    table: Args.string({description: 'hypertable, as name or schema.name', required: true}),
  }
  static override flags = {
    ...policyChangeFlags,
    index: Flags.string({summary: 'Index that the rows are ordered by.', required: true, helpValue: '<name>'}),
  }

  async run(): Promise<PolicyChangeReport> {
    const {index} = this.flags
    return this.change(await import('../../../policies/declared/tools.js'), this.args.table, {
      kind: 'reorder',
      rule: {index},
    })
  }
}
