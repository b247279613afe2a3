import {Args} from '@oclif/core'
import type {ChangeReport} from '../../cli/base-command.js'
import {exportFlags, requireExport} from '../../cli/export-flags.js'
import {changeFlags, durationFlag, rangeFlags, workersFlag} from '../../cli/flags.js'
import {PartitionCommand} from '../../cli/partition-command.js'
import {usageError} from '../../errors.js'
import {instantsBetween} from '../../units/range.js'

export default class PartitionsExport extends PartitionCommand<typeof PartitionsExport> {
  static override summary = 'Export partitions to Parquet or CSV, and compare the files with the rows.'
  static override description =
    'Writes one file per partition, with a manifest beside it, to a directory or an S3-compatible store. Each ' +
    'file is read back, and its rows and checksum must equal those that the server computed in the same ' +
    'snapshot. A partition that is already in a verified file is not exported again; if its rows have changed, ' +
    'a second file is written and the first one stays.\n' +
    'Changes nothing in the database and blocks neither reads nor writes.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 24mon --export-to /var/backups/market',
    '<%= config.bin %> <%= command.id %> ohlcv_data --from 2024-01 --to 2024-03 --export-to s3://archive/market ' +
      '--export-format csv',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    ...exportFlags,
    workers: workersFlag,
    'older-than': durationFlag({summary: 'Partitions entirely older than this.', exclusive: ['from', 'to']}),
    ...rangeFlags,
  }

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    const olderThan = flags['older-than']
    if (olderThan === undefined && !flags.from && !flags.to)
      throw usageError('NO_RANGE', 'Which partitions to export is missing.', [
        'Give --older-than 24mon, or --from and --to.',
      ])
    const partitions = olderThan === undefined ? instantsBetween(flags.from, flags.to) : {olderThan}
    const settings = await requireExport(flags)
    const {planExport} = await import('../../partitions/export.js')
    return this.changeSet(this.args.table, (db, {relation, declared}) => {
      const timezone = declared?.timezone ?? 'UTC'
      return planExport(db, {relation, partitions, timezone, rule: declared, settings})
    })
  }
}
