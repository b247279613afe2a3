import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {usageError} from '../../errors.js'
import type {PartitionFinding} from '../../partitions/plan-periods.js'
import {parseCalendarBound, type CalendarBound} from '../../units/calendar.js'

const bound = Flags.custom<CalendarBound>({parse: async (input) => parseCalendarBound(input), helpValue: '2024-01'})

export default class PartitionsCreate extends BaseCommand<typeof PartitionsCreate> {
  static override summary = 'Make the partitions of a range of time; those that are there stay as they are.'
  static override description =
    `Each is made apart and then attached, in a transaction of its own: reading and writing go on (SHARE UPDATE EXCLUSIVE on the table).
A whole month or day is one of the table's own calendar (UTC unless the configuration says otherwise); months are included at both ends, days are half-open.
Without a range it makes what the configuration says is due, as partitions ensure does. Safe to repeat.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> crypto_prices --from 2024-01 --to 2024-12',
    '<%= config.bin %> <%= command.id %> level1_data --from 2026-11-01 --to 2026-11-08 --dry-run',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    from: bound({summary: 'First month, day or instant.', dependsOn: ['to']}),
    to: bound({summary: 'Last month, included; or the day or instant before which it ends.', dependsOn: ['from']}),
    every: Flags.option({
      options: ['month', 'day'] as const,
      summary: 'Length of a partition; as declared, or as those that are there.',
    })(),
  }

  async run(): Promise<ChangeReport & {findings?: readonly PartitionFinding[]}> {
    const {flags} = this
    const [{partitionRules, undeclared}, {namedSet, partitionsDefined}] = await Promise.all([
      import('../../config/partitions.js'),
      import('../../partitions/declared.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const {relation, declared} = await namedSet(
          db,
          this.args.table,
          partitionRules(await this.loadConfig(), await partitionsDefined(db)),
        )
        if (flags.from === undefined || flags.to === undefined) {
          if (!declared)
            throw usageError('NO_RANGE', `Nothing declares the partitions of ${relation}: which are to be made?`, [
              'Give --from 2024-01 --to 2024-12, or declare tables.<name>.partitions in the configuration.',
            ])
          const {planEnsure, exitCodeWith, troubleWords} = await import('../../partitions/ensure.js')
          const {plan, findings} = await planEnsure(db, [declared])
          for (const {message} of findings) this.report(message)
          const report = await this.confirmAndRun(db, plan, flags)
          const trouble = troubleWords(findings)
          if (trouble !== null) this.report(trouble)
          if (!flags['dry-run'])
            process.exitCode = exitCodeWith(findings, Number(process.exitCode ?? 0), plan.steps.length > 0)
          return {...report, findings}
        }
        const {planCreate} = await import('../../partitions/create.js')
        const rule = {...(declared ?? undeclared(relation)), relation}
        return this.confirmAndRun(
          db,
          await planCreate(db, {rule, every: flags.every ?? declared?.every ?? null, from: flags.from, to: flags.to}),
          flags,
        )
      },
      {changes: true},
    )
  }
}
