import {Flags} from '@oclif/core'
import {parseBytes} from '../units/bytes.js'

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

/** For reports that say when a disk is full. */
export const diskFlags = {
  disk: Flags.custom<number>({
    summary: 'Say when the database has reached this size: 500GB, 2TB.',
    helpValue: '<size>',
    parse: async (input) => parseBytes(input),
  })(),
  tablespace: Flags.string({
    summary: 'With --disk: the growth of this tablespace instead of the database.',
    helpValue: '<name>',
    dependsOn: ['disk'],
  }),
}

/** The disk of `diskFlags`; null if none was given. */
export function diskOf({disk, tablespace}: {disk?: number | undefined; tablespace?: string | undefined}) {
  return disk === undefined ? null : {bytes: disk, tablespace: tablespace ?? null}
}

/** Whether an unparsed command line has `--format json`. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return words.some((word, index) => word === '--format=json' || (word === 'json' && words[index - 1] === '--format'))
}
