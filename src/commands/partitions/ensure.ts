import {Args} from '@oclif/core'
import type {ChangeReport} from '../../cli/change.js'
import type {Changing} from '../../cli/fleet/changing.js'
import {changeFlags} from '../../cli/flags.js'
import {TargetChange} from '../../cli/target-change.js'
import {usageError} from '../../errors.js'
import type {PartitionFinding} from '../../partitions/create/plan-periods.js'

type PartitionsEnsureReport = ChangeReport & {findings: readonly PartitionFinding[]; notes: readonly string[]}

export default class PartitionsEnsure extends TargetChange<typeof PartitionsEnsure, PartitionsEnsureReport> {
  static override summary = 'Create the missing partitions of every declared set, for now and ahead.'
  static override description =
    "Declared sets are those of the configuration (tables.<name>.partitions) and, if QiCore's migrations are " +
    'recorded, its own tables.\n' +
    'If nothing is missing it runs a single query, so it can run often. A set that fails does not stop the ' +
    'others (exit 6).\n' +
    'Sets that pg_partman manages and undeclared sets are not changed. Safe to repeat, also on many targets.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --all-targets --canary staging',
  ]
  static override args = {table: Args.string({description: 'only this declared table'})}
  static override flags = {...changeFlags}

  protected override async changing(): Promise<Changing<PartitionsEnsureReport>> {
    const [
      {partitionRules},
      {namedSet, partitionsDefined},
      {planEnsure, exitCodeWith, troubleWords},
      {triggerNotes},
      {reportNotes},
    ] = await Promise.all([
      import('../../config/partitions.js'),
      import('../../partitions/declared.js'),
      import('../../partitions/create/ensure.js'),
      import('../../partitions/commands.js'),
      import('../../cli/notes.js'),
    ])
    const {flags, args} = this
    return {
      changes: true,
      prepare:
        () =>
        async (db, {config, mode, change}) => {
          let rules = partitionRules(config, await partitionsDefined(db))
          if (args.table !== undefined) {
            const {relation, declared} = await namedSet(db, args.table, rules)
            if (!declared)
              throw usageError('NOT_DECLARED', `The partitions of ${relation} are not declared.`, [
                'Declare tables.<name>.partitions in the configuration, or use partitions create with a range.',
              ])
            rules = [declared]
          }
          if (rules.length === 0)
            mode.report('No partition set is declared: write tables.<schema.name>.partitions into the configuration.')
          const {plan, findings} = await planEnsure(db, rules)
          for (const {message} of findings) mode.report(message)
          const notes = await triggerNotes(db, plan.steps)
          await reportNotes(notes, mode.report)
          const {report, exitCode} = await change(plan)
          const trouble = troubleWords(findings)
          if (trouble !== null) mode.report(trouble)
          return {
            report: {...report, findings, notes},
            exitCode: flags['dry-run'] ? exitCode : exitCodeWith(findings, exitCode, plan.steps.length > 0),
          }
        },
    }
  }
}
