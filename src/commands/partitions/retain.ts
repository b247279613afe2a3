import {Args, Flags} from '@oclif/core'
import type {ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {PartitionCommand} from '../../cli/partition-command.js'
import type {ExitCode} from '../../errors.js'
import type {RetainPlan} from '../../partitions/retain/retain.js'

export default class PartitionsRetain extends PartitionCommand<typeof PartitionsRetain> {
  static override summary = 'Run the stages of a retention: detach, archive and drop what is due.'
  static override description =
    'The configuration declares the stages: tables.<name>.retention: {detach: 90d, archive: {after: 1y, schema: ' +
    "archive}, drop: 2y}. Ages count from the end of a partition's range. The job retain does the same on a " +
    'schedule, after policies apply has confirmed the policy.\n' +
    'A partition is detached only after every aggregate over the table has computed its rows. A partition that ' +
    'cannot be detached, moved or dropped is kept and listed, and does not stop the others (exit 6, or 7 if ' +
    'nothing else was due). A partition is never detached and dropped in the same run.\n' +
    'Tables that were detached by hand are kept; --include applies the stages to one of them from the next run ' +
    'on.\n' +
    "Dropping loses data: type the target's name, or pass it with --confirm."
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data --dry-run',
    '<%= config.bin %> <%= command.id %> ohlcv_data --confirm market',
    '<%= config.bin %> <%= command.id %> ohlcv_data --include ohlcv_data_y2024m01 --yes',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    include: Flags.string({
      multiple: true,
      helpValue: '<table>',
      summary: 'A table detached by hand to which the stages apply from now on; can be repeated.',
    }),
  }

  async run(): Promise<ChangeReport & Omit<RetainPlan, 'plan'>> {
    const [{planRetain}, {requireStages, withheldLines, exitCodeOf}] = await Promise.all([
      import('../../partitions/retain/retain.js'),
      import('../../partitions/retain/retain-words.js'),
    ])
    const report = await this.changeSet(
      this.args.table,
      (db, {relation, declared}) =>
        planRetain(db, {relation, rule: requireStages(relation, declared), include: this.flags.include ?? []}),
      {remarks: ({withheld}) => withheldLines(withheld), replan: true},
    )
    if (!this.flags['dry-run'])
      process.exitCode = exitCodeOf(report.withheld, Number(process.exitCode ?? 0) as ExitCode, report.steps.length > 0)
    return report
  }
}
