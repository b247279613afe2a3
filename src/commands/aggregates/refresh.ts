import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, pointRangeFlags} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import {ExitCode} from '../../errors.js'
import {pointsBetween} from '../../units/range.js'

export default class AggregatesRefresh extends BaseCommand<typeof AggregatesRefresh> {
  static override summary = 'Refresh an aggregate where rows changed or nothing was computed yet.'
  static override description =
    "Refreshes pending ranges in windows of whole buckets, about one chunk's rows each, and never past the last " +
    'complete bucket. A range whose source rows were dropped is skipped, because a refresh would lose what was ' +
    'computed from them; --accept-loss refreshes it too.\n' +
    'Without a range it uses the window of the live refresh policy, or of the declared one if there is no live ' +
    'policy. Readers and writers are not blocked. Safe to repeat. Exit 6 if this version of TimescaleDB cannot refresh ' +
    'a part of the range, which is then named.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> hourly_price_averages --from 2024-01-15 --to 2024-02-01',
    '<%= config.bin %> <%= command.id %> daily_ohlcv_summary --dry-run',
  ]
  static override args = {view: Args.string({description: 'aggregate, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    ...pointRangeFlags,
    'accept-loss': Flags.boolean({
      summary: 'Also refresh ranges whose source rows were dropped; their results are lost.',
    }),
  }

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const {flags} = this
    const range = pointsBetween(flags.from, flags.to)
    const [{sectionsOf}, {readContext}, {planRefresh}, {spanBetween}] = await Promise.all([
      import('../../cli/policy-request.js'),
      import('../../chunks/context.js'),
      import('../../aggregates/plan-refresh.js'),
      import('../../chunks/range.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const {
          table: aggregate,
          clock,
          policies,
          declared,
        } = await readContext(db, this.args.view, sectionsOf(await this.loadConfig()))
        const live = policies.filter(({kind}) => kind === 'refresh')
        const rule = declared?.refresh === undefined || declared.refresh === 'none' ? [] : [declared.refresh]
        const span = flags.from || flags.to ? spanBetween(aggregate, clock, range.from, range.to) : null
        const {plan, notes, refused} = await planRefresh(db, {
          aggregate,
          clock,
          span,
          policies: live.length > 0 ? live : rule,
          acceptLoss: flags['accept-loss'],
        })
        await reportNotes(notes, (line) => this.report(line))
        const report = await this.confirmAndRun(db, plan, flags)
        if (refused.length > 0 && !flags['dry-run'] && process.exitCode === ExitCode.done)
          process.exitCode = ExitCode.partial
        return {...report, notes}
      },
      {changes: true},
    )
  }
}
