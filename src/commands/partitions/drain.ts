import {Args} from '@oclif/core'
import type {ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {PartitionCommand} from '../../cli/partition-command.js'
import type {DrainPlan} from '../../partitions/drain/drain.js'

export default class PartitionsDrain extends PartitionCommand<typeof PartitionsDrain> {
  static override summary = 'Move the rows of a default partition into partitions of their own.'
  static override description =
    'For each period whose rows are in the default partition, this creates a table beside the set, moves the ' +
    'rows in committed batches, and attaches the table; nothing is scanned under an exclusive lock. Meanwhile ' +
    'new rows of the period go to that table. Until it is attached, queries on the set do not see the moved ' +
    'rows of that period. The rows of a small default partition move in one transaction.\n' +
    'Rows without a time, before partitions.earliest or further ahead than partitions.within stay where they ' +
    'are, and are listed with their number and a query that shows them. The next run finishes an interrupted ' +
    'one.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --yes',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {...changeFlags}

  async run(): Promise<ChangeReport & Omit<DrainPlan, 'plan'>> {
    const [{undeclared}, {planDrain}] = await Promise.all([
      import('../../partitions/undeclared.js'),
      import('../../partitions/drain/drain.js'),
    ])
    return this.changeSet(this.args.table, (db, {relation, declared}) => {
      const rule = {...(declared ?? undeclared(relation)), relation}
      return planDrain(db, {rule, every: declared?.every ?? null})
    })
  }
}
