import {Args} from '@oclif/core'
import type {ChangeReport} from '../../cli/base-command.js'
import {changeFlags, durationFlag} from '../../cli/flags.js'
import {PartitionCommand} from '../../cli/partition-command.js'
import type {OldPlan} from '../../partitions/detach/detach.js'

export default class PartitionsDetach extends PartitionCommand<typeof PartitionsDetach> {
  static override summary = 'Detach old partitions from a table; their rows are kept in separate tables.'
  static override description =
    'Runs DETACH CONCURRENTLY for each partition in turn, without blocking reads and writes. Long transactions ' +
    'that the detach would wait for are reported first. The next run finishes an interrupted detach. The last ' +
    'partition is never detached.\n' +
    'With a default partition PostgreSQL cannot detach concurrently: each detach then takes ACCESS EXCLUSIVE ' +
    'for a moment, requested for 500 ms at a time.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 24mon --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --older-than 2y --yes',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    'older-than': durationFlag({summary: 'Only partitions entirely older than this; default: the declared retention.'}),
  }

  async run(): Promise<ChangeReport & Omit<OldPlan, 'plan'>> {
    const [{requireAge}, {planDetach}] = await Promise.all([
      import('../../partitions/detach/old-partitions.js'),
      import('../../partitions/detach/detach.js'),
    ])
    return this.changeSet(
      this.args.table,
      (db, {relation, declared}) => {
        const olderThan = requireAge('detach', relation, this.flags['older-than'], declared)
        return planDetach(db, {relation, olderThan, timezone: declared?.timezone ?? 'UTC', rule: declared})
      },
      // Without the schema qicore the first plan cannot record what is detached.
      {replan: true},
    )
  }
}
