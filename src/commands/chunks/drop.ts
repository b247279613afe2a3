import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {exportFlags, givenExport} from '../../cli/export-flags.js'
import {changeFlags, olderThanFlag} from '../../cli/flags.js'
import {reportNotes} from '../../cli/notes.js'
import type {DropShown} from '../../cli/render/chunk-drop.js'
import {stderrWidth} from '../../cli/terminal.js'

export default class ChunksDrop extends BaseCommand<typeof ChunksDrop> {
  static override summary = 'Drop old chunks with all their rows.'
  static override description =
    'Drops chunks that are entirely older than the cutoff. Each time range is one transaction, with the chunks ' +
    'of all its space partitions. Without --older-than it drops what is due by the retention policy, and ' +
    'exports it first if the policy says so.\n' +
    'Refused (exit 7) if an aggregate over the table, or over such an aggregate, has not computed all of the ' +
    'rows: --refresh-first refreshes it and then drops, --accept-loss drops anyway. Each step checks again ' +
    'after it has locked the chunk.\n' +
    'With --export-to each chunk is first exported to a file, which is read back and compared; it is dropped ' +
    'only if the file has the rows that the chunk has at that moment.\n' +
    'Locks the chunk exclusively, and for a moment the tables that the hypertable references by foreign keys.\n' +
    "Loses data: type the target's name, or pass it with --confirm. --at-most counts time ranges."
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 2y --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 2y --refresh-first --confirm market',
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 2y --export-to s3://archive/market --confirm market',
  ]
  static override args = {
    table: Args.string({description: 'hypertable or aggregate, as name or schema.name', required: true}),
  }
  static override flags = {
    ...changeFlags,
    ...exportFlags,
    'older-than': olderThanFlag({summary: 'Only chunks entirely older than this age, or ending before this time.'}),
    'refresh-first': Flags.boolean({
      summary: 'First refresh the aggregates that have not covered the rows.',
      exclusive: ['accept-loss'],
    }),
    'accept-loss': Flags.boolean({summary: 'Also drop rows that an aggregate has not covered.'}),
  }

  async run(): Promise<ChangeReport & DropShown & {notes: readonly string[]}> {
    const {flags} = this
    const exportTo = await givenExport(flags)
    const [{sectionsOf}, {declaredAge, policyExport, readContext}, {planDrop}, {dropShown}, {renderDrop}] =
      await Promise.all([
        import('../../cli/policy-request.js'),
        import('../../chunks/context.js'),
        import('../../chunks/drop.js'),
        import('../../chunks/drop-shown.js'),
        import('../../cli/render/chunk-drop.js'),
      ])
    return this.withDatabase(
      async (db) => {
        const context = await readContext(db, this.args.table, sectionsOf(await this.loadConfig()))
        const {plan, notes, facts} = await planDrop(db, {
          ...context,
          olderThan: flags['older-than'] ?? null,
          declared: declaredAge(context.declared, 'retention'),
          refreshFirst: flags['refresh-first'],
          acceptLoss: flags['accept-loss'],
          atMost: flags['at-most'],
          exportTo,
          policyExport: policyExport(context),
        })
        const shown = dropShown(context.table, context.clock, facts)
        const preview = renderDrop(shown, {width: stderrWidth(), color: false, headers: true})
        if (preview) this.report(preview)
        await reportNotes(notes, (line) => this.report(line))
        // The limit counts time ranges; preceding refreshes do not count.
        return {
          ...(await this.confirmAndRun(db, plan, {...flags, 'at-most': undefined}, {previewed: preview !== ''})),
          ...shown,
          notes,
        }
      },
      {changes: true},
    )
  }
}
