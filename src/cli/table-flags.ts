import {Flags} from '@oclif/core'

/** Flags of commands that print a table. */
export const tableFlags = {
  csv: Flags.boolean({summary: 'Comma-separated values for programs: raw numbers, ISO times.', exclusive: ['json']}),
  'no-headers': Flags.boolean({summary: 'Leave the line of headers out.'}),
}

/** Of those that measure chunks. */
export const fastFlag = {
  fast: Flags.boolean({summary: 'Estimates of the last VACUUM or ANALYZE instead of exact sizes; marked ~.'}),
}
