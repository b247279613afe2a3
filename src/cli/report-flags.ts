import {Flags} from '@oclif/core'

/** How a report is printed; `json` is the same as `--json`. */
export const formats = ['table', 'csv', 'markdown', 'json'] as const
export type Format = (typeof formats)[number]

/** Flags of every report. */
export const reportFlags = {
  format: Flags.option({
    options: formats,
    summary: 'How to print the report; default: table.',
    helpGroup: 'OUTPUT',
    exclusive: ['csv', 'json'],
  })(),
  csv: Flags.boolean({summary: 'The same as --format csv.', helpGroup: 'OUTPUT', exclusive: ['json']}),
  'no-headers': Flags.boolean({summary: 'Leave the line of headers out.', helpGroup: 'OUTPUT'}),
  sort: Flags.string({
    summary: 'Order by a column, by its id in the CSV header; -<column> from the highest.',
    helpGroup: 'OUTPUT',
    helpValue: '<column>',
  }),
  limit: Flags.integer({
    char: 'n',
    summary: 'At most so many rows.',
    min: 1,
    max: 1_000_000,
    helpGroup: 'OUTPUT',
    helpValue: '<n>',
  }),
}

/** Of reports that measure chunks. */
export const fastFlag = {
  fast: Flags.boolean({summary: 'Estimates of the last VACUUM or ANALYZE instead of exact sizes; marked ~.'}),
}

/** True where the words of a command line say `--format json`, before they are parsed. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return words.some((word, index) => word === '--format=json' || (word === 'json' && words[index - 1] === '--format'))
}
