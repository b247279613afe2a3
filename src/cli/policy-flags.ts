import {Flags} from '@oclif/core'

/** Flags of commands that plan policies. */
export const policyPlanFlags = {
  prune: Flags.boolean({summary: 'Also remove live policies that are not declared.'}),
  recompress: Flags.boolean({summary: 'Also recompress chunks that were compressed with older settings.'}),
  accept: Flags.string({
    summary: 'A finding or a known defect of the server that is accepted, by its id; may be repeated.',
    multiple: true,
    helpValue: '<id>',
    default: [],
    // Without it, help prints "[default: ]".
    defaultHelp: async () => '',
  }),
}
