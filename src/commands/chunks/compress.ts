import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, olderThanFlag, pointRangeFlags, workersFlag} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import {pointsBetween} from '../../units/range.js'

export default class ChunksCompress extends BaseCommand<typeof ChunksCompress> {
  static override summary = 'Compress chunks, including those that received rows since their compression.'
  static override description =
    'Compresses the oldest chunk first, each in a transaction of its own, so that an interrupted run continues ' +
    'where it stopped. A chunk is locked against writes while it is copied and exclusively for a moment at the ' +
    'end. If another session uses the chunk when its step starts, the copied rows are deleted instead of ' +
    'truncated, and VACUUM reclaims the space. Chunks of a publication, and all chunks of a database with a ' +
    'logical replication slot, are only truncated, because subscribers would receive each DELETE. A chunk that ' +
    'another session has locked is retried later, while the run continues with the others.\n' +
    'Without a range it compresses what is due by the live policy, or by the declared one if there is no live ' +
    'policy. A chunk that extends past --to is skipped; one that begins before --from is compressed. Frozen ' +
    'chunks are skipped. Safe to repeat.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 30d --workers 2',
    '<%= config.bin %> <%= command.id %> ohlcv_data --from 2024-01 --to 2024-03',
  ]
  static override args = {
    table: Args.string({description: 'hypertable or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...changeFlags,
    workers: workersFlag,
    'older-than': olderThanFlag({
      summary: 'Only chunks entirely older than this age, or ending before this time.',
      exclusive: ['from', 'to'],
    }),
    ...pointRangeFlags,
    'allow-updates': Flags.boolean({
      summary:
        'Citus: convert partitions to columnar although statements update, delete, upsert or lock rows of the ' +
        'table, if those never reach these partitions.',
    }),
  }

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    const range = pointsBetween(flags.from, flags.to)
    const [
      {sectionsOf},
      {declaredAge, declaredAllowUpdates, declaredRowOrder, readContext},
      {planCompress},
      {spanBetween},
      {unreclaimedSpace},
    ] = await Promise.all([
      import('../../cli/policy-request.js'),
      import('../../chunks/context.js'),
      import('../../chunks/compress.js'),
      import('../../chunks/range.js'),
      import('../../chunks/unreclaimed-space.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const context = await readContext(db, this.args.table, sectionsOf(await this.loadConfig()))
        const choose =
          flags['older-than'] ??
          (flags.from || flags.to ? spanBetween(context.table, context.clock, range.from, range.to) : null)
        const {plan, notes, chunks} = await planCompress(db, {
          ...context,
          choose,
          declared: declaredAge(context.declared, 'compression'),
          rowOrder: declaredRowOrder(context.declared),
          declaredAllowUpdates: declaredAllowUpdates(context.declared),
          allowUpdates: flags['allow-updates'],
        })
        await reportNotes(notes, (line) => this.report(line))
        const report = await this.confirmAndRun(db, plan, flags)
        const after = flags['dry-run'] ? [] : await unreclaimedSpace(db, chunks, report.steps)
        await reportNotes(after, (line) => this.report(line))
        return {...report, notes: [...notes, ...after]}
      },
      {changes: true},
    )
  }
}
