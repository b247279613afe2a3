import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, olderThanFlag, rangeFlags, workersFlag} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import {instantsBetween} from '../../units/range.js'

export default class ChunksCompress extends BaseCommand<typeof ChunksCompress> {
  static override summary = 'Compress chunks, and those again that were refilled since.'
  static override description =
    `The oldest first, each in a transaction of its own, so that a run that is broken off goes on where it stopped. A chunk is locked against writing while it is copied and against everything for a moment at the end; where another session uses it when it is begun, its copied rows are deleted instead of truncated, and VACUUM reclaims the space. Chunks of a publication, and all where there is a logical replication slot, are only ever truncated: subscribers would be sent each DELETE. A chunk that another session holds is tried again later, and the others go on.
Without a range it does what the policy says is due: the live one, or else the declared one. A chunk that reaches over --to is left alone; one that reaches over --from is taken. Frozen chunks are left alone. Safe to repeat.`
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
    ...rangeFlags,
  }

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    const range = instantsBetween(flags.from, flags.to)
    const [{sectionsOf}, {declaredAge, readContext}, {planCompress}, {spanBetween}, {unreclaimedSpace}] =
      await Promise.all([
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
