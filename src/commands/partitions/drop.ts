import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, durationFlag} from '../../cli/flags.js'
import type {OldPlan} from '../../partitions/detach/detach.js'

export default class PartitionsDrop extends BaseCommand<typeof PartitionsDrop> {
  static override summary = 'Drop old partitions with all their rows.'
  static override description =
    'Each partition is first detached, without blocking reads and writes, and then dropped. Partitions that an ' +
    'earlier run detached but could not drop come first. Refused (exit 7) if an emulated aggregate has not ' +
    'covered all rows. The last partition is never dropped.\n' +
    "Loses data: type the target's name, or pass it with --confirm."
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 24mon --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 24mon --confirm market',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    'older-than': durationFlag({summary: 'Only partitions entirely older than this; default: the declared retention.'}),
    'accept-loss': Flags.boolean({summary: 'Also drop rows that an aggregate has not covered.'}),
  }

  async run(): Promise<ChangeReport & Omit<OldPlan, 'plan'>> {
    const {flags} = this
    const [{partitionRules}, {namedSet, partitionsDefined}, {requireAge}, {planDrop}, {reportNotes}] =
      await Promise.all([
        import('../../config/partitions.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/detach/old-partitions.js'),
        import('../../partitions/detach/drop.js'),
        import('../../cli/notes.js'),
      ])
    return this.withDatabase(
      async (db) => {
        const {relation, declared} = await namedSet(
          db,
          this.args.table,
          partitionRules(await this.loadConfig(), await partitionsDefined(db)),
        )
        const olderThan = requireAge('drop', relation, flags['older-than'], declared)
        const {plan, ...facts} = await planDrop(db, {
          relation,
          olderThan,
          timezone: declared?.timezone ?? 'UTC',
          rule: declared,
          acceptLoss: flags['accept-loss'],
        })
        await reportNotes(facts.notes, (line) => this.report(line))
        return {...(await this.confirmAndRun(db, plan, flags)), ...facts}
      },
      {changes: true},
    )
  }
}
