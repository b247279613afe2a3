import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, durationFlag} from '../../cli/flags.js'
import type {OldPlan} from '../../partitions/detach/detach.js'

export default class PartitionsDetach extends BaseCommand<typeof PartitionsDetach> {
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
    const {flags} = this
    const [{partitionRules}, {namedSet, partitionsDefined}, {requireAge}, {planDetach}, {reportNotes}] =
      await Promise.all([
        import('../../config/partitions.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/detach/old-partitions.js'),
        import('../../partitions/detach/detach.js'),
        import('../../cli/notes.js'),
      ])
    return this.withDatabase(
      async (db) => {
        const {relation, declared} = await namedSet(
          db,
          this.args.table,
          partitionRules(await this.loadConfig(), await partitionsDefined(db)),
        )
        const olderThan = requireAge('detach', relation, flags['older-than'], declared)
        const request = {relation, olderThan, timezone: declared?.timezone ?? 'UTC', rule: declared}
        const {plan, ...facts} = await planDetach(db, request)
        await reportNotes(facts.notes, (line) => this.report(line))
        // Without the schema qicore the first plan cannot record what is detached.
        const replan = async () => (await planDetach(db, request)).plan
        return {...(await this.confirmAndRun(db, plan, flags, {replan})), ...facts}
      },
      {changes: true},
    )
  }
}
