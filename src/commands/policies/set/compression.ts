import {Args, Flags} from '@oclif/core'
import {durationFlag} from '../../../cli/flags.js'
import {policyChangeFlags, PolicyCommand, type PolicyChangeReport} from '../../../cli/policy-command.js'

export default class PoliciesSetCompression extends PolicyCommand<typeof PoliciesSetCompression> {
  static override summary = 'Set the compression of a table by hand.'
  static override description =
    'Enables compression if it is not enabled, and adds the policy or alters it in place: the job keeps its id, ' +
    'owner, schedule and history. Columns that are not named are not changed. Runs the same checks as policies ' +
    'apply, and reports if the configuration declares something else.\n' +
    'Changed columns apply to chunks that are compressed from now on; policies apply --recompress compresses ' +
    'the others again.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ticks --after 7d --segment-by symbol --order-by "time desc" --dry-run',
  ]
  static override args = {
    table: Args.string({description: 'table or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...policyChangeFlags,
    after: durationFlag({summary: 'Age at which a whole chunk is compressed.', required: true}),
    'segment-by': Flags.string({
      summary: 'Columns that rows are grouped by, separated by commas.',
      helpValue: '<columns>',
    }),
    'order-by': Flags.string({
      summary: 'Order within a group, separated by commas: "time desc, id desc".',
      helpValue: '<columns>',
    }),
    every: durationFlag({summary: 'Time between two runs of the policy. Default: not changed.'}),
    'allow-updates': Flags.boolean({
      summary:
        'Citus: the statements that update, delete, upsert or lock rows of the table never reach partitions of ' +
        'this age. Default: not changed.',
      allowNo: true,
    }),
  }

  async run(): Promise<PolicyChangeReport> {
    const {after, every} = this.flags
    const list = (text: string | undefined) =>
      text
        ?.split(',')
        .map((part) => part.trim())
        .filter(Boolean) ?? null
    const rule = {
      after,
      segmentBy: list(this.flags['segment-by']),
      orderBy: list(this.flags['order-by']),
      every,
      allowUpdates: this.flags['allow-updates'],
    }
    return this.change(await import('../../../policies/declared/tools.js'), this.args.table, {
      kind: 'compression',
      rule,
    })
  }
}
