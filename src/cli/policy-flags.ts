import {Flags} from '@oclif/core'

/** Flags of what plans policies. */
export const policyPlanFlags = {
  prune: Flags.boolean({summary: 'Also remove live policies of which nothing is declared.'}),
  recompress: Flags.boolean({summary: 'Also recompress chunks that were compressed by older settings.'}),
  accept: Flags.string({
    summary: 'A finding or a known defect of the server that is accepted, by its id; may be repeated.',
    multiple: true,
    helpValue: '<id>',
    default: [],
  }),
}
