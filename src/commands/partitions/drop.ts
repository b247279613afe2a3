import {Args, Flags} from '@oclif/core'
import type {ChangeReport} from '../../cli/base-command.js'
import {changeFlags, durationFlag} from '../../cli/flags.js'
import {PartitionCommand} from '../../cli/partition-command.js'
import type {OldPlan} from '../../partitions/detach/detach.js'

export default class PartitionsDrop extends PartitionCommand<typeof PartitionsDrop> {
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
    const [{requireAge}, {planDrop}] = await Promise.all([
      import('../../partitions/detach/old-partitions.js'),
      import('../../partitions/detach/drop.js'),
    ])
    return this.changeSet(this.args.table, (db, {relation, declared}) => {
      const olderThan = requireAge('drop', relation, this.flags['older-than'], declared)
      const timezone = declared?.timezone ?? 'UTC'
      return planDrop(db, {relation, olderThan, timezone, rule: declared, acceptLoss: this.flags['accept-loss']})
    })
  }
}
