import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {usageError, type ExitCode} from '../../errors.js'
import type {PartitionFinding} from '../../partitions/create/plan-periods.js'
import {parseCalendarBound, type CalendarBound} from '../../units/calendar.js'
import {parseEvery, type Every} from '../../units/period.js'

const bound = Flags.custom<CalendarBound>({parse: async (input) => parseCalendarBound(input), helpValue: '2024-01'})

const length = Flags.custom<Every>({parse: async (input) => parseEvery(input), helpValue: 'month'})

export default class PartitionsCreate extends BaseCommand<typeof PartitionsCreate> {
  static override summary = 'Create the partitions of a time range; existing ones are not changed.'
  static override description =
    'Each partition is created as a table and then attached, in its own transaction, without blocking reads and ' +
    'writes (SHARE UPDATE EXCLUSIVE on the table).\n' +
    'A partition covers an hour, a day, an ISO week, a month, a quarter, a year, or several of them, in the ' +
    'time zone of the set (UTC unless configured). Months are included at both ends of a range; days are ' +
    'half-open.\n' +
    'Without a range it creates the partitions that the configuration requires, as partitions ensure does. Safe ' +
    'to repeat.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> crypto_prices --from 2024-01 --to 2024-12',
    '<%= config.bin %> <%= command.id %> level1_data --from 2026-11-01 --to 2026-11-08 --dry-run',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    from: bound({summary: 'First month, day or time.', dependsOn: ['to']}),
    to: bound({summary: 'Last month (included), or the day or time before which the range ends.', dependsOn: ['from']}),
    every: length({summary: 'Length of a partition: day, 6h, 2 weeks; default: as declared, or as the existing ones.'}),
  }

  async run(): Promise<ChangeReport & {findings?: readonly PartitionFinding[]; notes: readonly string[]}> {
    const {flags} = this
    const [{partitionRules}, {undeclared}, {namedSet, partitionsDefined}, {triggerNotes}, {reportNotes}] =
      await Promise.all([
        import('../../config/partitions.js'),
        import('../../partitions/undeclared.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/commands.js'),
        import('../../cli/notes.js'),
      ])
    const notesOf = async (...given: Parameters<typeof triggerNotes>) => {
      const notes = await triggerNotes(...given)
      await reportNotes(notes, (line) => this.report(line))
      return notes
    }
    return this.withDatabase(
      async (db) => {
        const {relation, declared} = await namedSet(
          db,
          this.args.table,
          partitionRules(await this.loadConfig(), await partitionsDefined(db)),
        )
        if (flags.from === undefined || flags.to === undefined) {
          if (!declared)
            throw usageError('NO_RANGE', `The partitions of ${relation} are not declared, so the range is required.`, [
              'Give --from 2024-01 --to 2024-12, or declare tables.<name>.partitions in the configuration.',
            ])
          const {planEnsure, exitCodeWith, troubleWords} = await import('../../partitions/create/ensure.js')
          const {plan, findings} = await planEnsure(db, [declared])
          for (const {message} of findings) this.report(message)
          const notes = await notesOf(db, plan.steps)
          const report = await this.confirmAndRun(db, plan, flags)
          const trouble = troubleWords(findings)
          if (trouble !== null) this.report(trouble)
          if (!flags['dry-run'])
            process.exitCode = exitCodeWith(findings, Number(process.exitCode ?? 0) as ExitCode, plan.steps.length > 0)
          return {...report, findings, notes}
        }
        const {planCreate} = await import('../../partitions/create/create.js')
        const rule = {...(declared ?? undeclared(relation)), relation}
        const every = flags.every ?? declared?.every ?? null
        const plan = await planCreate(db, {rule, every, from: flags.from, to: flags.to})
        const notes = await notesOf(db, plan.steps)
        return {...(await this.confirmAndRun(db, plan, flags)), notes}
      },
      {changes: true},
    )
  }
}
