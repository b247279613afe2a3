import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {usageError} from '../../errors.js'
import type {PartitionFinding} from '../../partitions/plan-periods.js'

export default class PartitionsEnsure extends BaseCommand<typeof PartitionsEnsure> {
  static override summary = 'Create the missing partitions of every declared set, for now and ahead.'
  static override description =
    `Declared sets are those of the configuration (tables.<name>.partitions) and, if QiCore's migrations are recorded, its own tables.
If nothing is missing it runs a single query, so it can run often. A set that fails does not stop the others (exit 6).
Sets that pg_partman manages and undeclared sets are not changed. Safe to repeat.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --dry-run']
  static override args = {table: Args.string({description: 'only this declared table'})}
  static override flags = {...changeFlags}

  async run(): Promise<ChangeReport & {findings: readonly PartitionFinding[]}> {
    const {flags} = this
    const [{partitionRules}, {namedSet, partitionsDefined}, {planEnsure, exitCodeWith, troubleWords}] =
      await Promise.all([
        import('../../config/partitions.js'),
        import('../../partitions/declared.js'),
        import('../../partitions/ensure.js'),
      ])
    return this.withDatabase(
      async (db) => {
        let rules = partitionRules(await this.loadConfig(), await partitionsDefined(db))
        if (this.args.table !== undefined) {
          const {relation, declared} = await namedSet(db, this.args.table, rules)
          if (!declared)
            throw usageError('NOT_DECLARED', `The partitions of ${relation} are not declared.`, [
              'Declare tables.<name>.partitions in the configuration, or use partitions create with a range.',
            ])
          rules = [declared]
        }
        if (rules.length === 0)
          this.report('No partition set is declared: write tables.<schema.name>.partitions into the configuration.')
        const {plan, findings} = await planEnsure(db, rules)
        for (const {message} of findings) this.report(message)
        const report = await this.confirmAndRun(db, plan, flags)
        const trouble = troubleWords(findings)
        if (trouble !== null) this.report(trouble)
        if (!flags['dry-run'])
          process.exitCode = exitCodeWith(findings, Number(process.exitCode ?? 0), plan.steps.length > 0)
        return {...report, findings}
      },
      {changes: true},
    )
  }
}
