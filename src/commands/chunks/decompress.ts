import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, pointRangeFlags, workersFlag} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import {usageError} from '../../errors.js'
import {pointsBetween} from '../../units/range.js'

export default class ChunksDecompress extends BaseCommand<typeof ChunksDecompress> {
  static override summary = 'Decompress the chunks that overlap a time range.'
  static override description =
    'Each chunk is decompressed in a transaction of its own; meanwhile no other session can read or write it. ' +
    'The compression policy compresses the chunks again at its next run: the preview names the policy, the ' +
    'time, and the command that delays it.\n' +
    'Hard to undo: asks for confirmation, or takes --yes.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --from 2024-01-15 --to 2024-01-20',
    '<%= config.bin %> <%= command.id %> ohlcv_data --from 2024-01 --to 2024-01 --dry-run',
  ]
  static override args = {
    table: Args.string({description: 'hypertable or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {...changeFlags, workers: workersFlag, ...pointRangeFlags}

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    if (!flags.from && !flags.to)
      throw usageError('NO_RANGE', 'The time range of the chunks is required.', ['Give --from and --to.'])
    const range = pointsBetween(flags.from, flags.to)
    const [{sectionsOf}, {declaredAge, readContext}, {planDecompress}, {spanBetween}] = await Promise.all([
      import('../../cli/policy-request.js'),
      import('../../chunks/context.js'),
      import('../../chunks/decompress.js'),
      import('../../chunks/range.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const context = await readContext(db, this.args.table, sectionsOf(await this.loadConfig()))
        const span = spanBetween(context.table, context.clock, range.from, range.to)
        const {plan, notes} = await planDecompress(db, {
          ...context,
          span,
          declared: declaredAge(context.declared, 'compression'),
        })
        await reportNotes(notes, (line) => this.report(line))
        return {...(await this.confirmAndRun(db, plan, flags)), notes}
      },
      {changes: true},
    )
  }
}
