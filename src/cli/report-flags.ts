import {Flags} from '@oclif/core'

/** Output formats of a report; `json` is the same as `--json`. */
export const formats = ['table', 'csv', 'markdown', 'json'] as const
export type Format = (typeof formats)[number]

/** Flags of every report. */
export const reportFlags = {
  format: Flags.option({
    options: formats,
    summary: 'Output format of the report; default: table.',
    helpGroup: 'OUTPUT',
    exclusive: ['csv', 'json'],
  })(),
  csv: Flags.boolean({summary: 'The same as --format csv.', helpGroup: 'OUTPUT', exclusive: ['json']}),
  'no-headers': Flags.boolean({summary: 'Omit the header line.', helpGroup: 'OUTPUT'}),
  sort: Flags.string({
    summary: 'Sort by a column, named by its id in the CSV header; -<column> sorts descending.',
    helpGroup: 'OUTPUT',
    helpValue: '<column>',
  }),
  limit: Flags.integer({
    char: 'n',
    summary: 'Maximum number of rows.',
    min: 1,
    max: 1_000_000,
    helpGroup: 'OUTPUT',
    helpValue: '<n>',
  }),
}

/** For reports that measure chunks. */
export const fastFlag = {
  fast: Flags.boolean({summary: 'Estimates of the last VACUUM or ANALYZE instead of exact sizes; marked ~.'}),
}

/** Whether an unparsed command line has `--format json`. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return words.some((word, index) => word === '--format=json' || (word === 'json' && words[index - 1] === '--format'))
}
