import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags, durationFlag} from '../../cli/flags.js'
import type {OldPlan} from '../../partitions/detach.js'

export default class PartitionsDetach extends BaseCommand<typeof PartitionsDetach> {
  static override summary = 'Take old partitions out of a table; their rows stay, in tables of their own.'
  static override description =
    `DETACH CONCURRENTLY, one after the other: reading and writing go on. Old transactions that would be waited for are looked for first and named. A detach that was broken off in the middle is finished by the next run. The last partition stays.
With a default partition PostgreSQL detaches nothing concurrently: then each takes ACCESS EXCLUSIVE for a moment, waited for 500 ms at a time.`
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
        import('../../partitions/old-partitions.js'),
        import('../../partitions/detach.js'),
        import('../../cli/notes.js'),
      ])
    return this.withDatabase(
      async (db) => {
        const {relation, declared} = await namedSet(
          db,
          this.args.table,
          partitionRules(await this.loadConfig(), await partitionsDefined(db)),
        )
        const olderThan = requireAge(relation, flags['older-than'], declared)
        const {plan, ...facts} = await planDetach(db, {relation, olderThan, timezone: declared?.timezone ?? 'UTC'})
        await reportNotes(facts.notes, (line) => this.report(line))
        return {...(await this.confirmAndRun(db, plan, flags)), ...facts}
      },
      {changes: true},
    )
  }
}
