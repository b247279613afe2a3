import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {exportFlags, requireExport} from '../../cli/export-flags.js'
import {changeFlags, olderThanFlag, pointRangeFlags, workersFlag} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import {usageError} from '../../errors.js'
import {pointsBetween} from '../../units/range.js'

export default class ChunksExport extends BaseCommand<typeof ChunksExport> {
  static override summary = 'Export chunks to Parquet or CSV, and compare the files with the rows.'
  static override description =
    'Writes one file per chunk, with a manifest beside it, to a directory or an S3-compatible store. Each file ' +
    'is read back, and its rows and checksum must equal those that the server computed in the same snapshot. A ' +
    'chunk that is already in a verified file is not exported again; if its rows have changed, a second file is ' +
    'written and the first one stays.\n' +
    'Changes nothing in the database and blocks neither reads nor writes.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 2y --export-to /var/backups/market',
    '<%= config.bin %> <%= command.id %> ohlcv_data --from 2024-01 --to 2024-03 --export-to s3://archive/market ' +
      '--export-format csv',
  ]
  static override args = {
    table: Args.string({description: 'hypertable or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...changeFlags,
    ...exportFlags,
    workers: workersFlag,
    'older-than': olderThanFlag({
      summary: 'Chunks entirely older than this age, or ending before this time.',
      exclusive: ['from', 'to'],
    }),
    ...pointRangeFlags,
  }

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    const olderThan = flags['older-than']
    if (olderThan === undefined && !flags.from && !flags.to)
      throw usageError('NO_RANGE', 'Which chunks to export is missing.', ['Give --older-than 2y, or --from and --to.'])
    const range = pointsBetween(flags.from, flags.to)
    const settings = await requireExport(flags)
    const [{sectionsOf}, {readContext}, {planExport}, {spanBetween}] = await Promise.all([
      import('../../cli/policy-request.js'),
      import('../../chunks/context.js'),
      import('../../chunks/export.js'),
      import('../../chunks/range.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const {table, clock} = await readContext(db, this.args.table, sectionsOf(await this.loadConfig()))
        const chunks = olderThan === undefined ? {span: spanBetween(table, clock, range.from, range.to)} : {olderThan}
        const {plan, notes} = await planExport(db, {table, clock, chunks, settings})
        await reportNotes(notes, (line) => this.report(line))
        return {...(await this.confirmAndRun(db, plan, flags)), notes}
      },
      {changes: true},
    )
  }
}
