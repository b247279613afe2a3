import {Flags} from '@oclif/core'
import type {ChangeReport} from '../../cli/change.js'
import {engineFlag} from '../../cli/engine-flag.js'
import type {Changing} from '../../cli/fleet/changing.js'
import {changeFlags} from '../../cli/flags.js'
import {TargetChange} from '../../cli/target-change.js'

export default class MigrateUp extends TargetChange<typeof MigrateUp, ChangeReport> {
  static override aliases = ['schema:create']
  static override summary = 'Apply the pending migrations, each file in a transaction of its own.'
  static override description =
    "Applies the schema qicore first, then QiCore's tables, then the files in migrations/ beside the " +
    'configuration.\n' +
    'Running it again changes nothing. If a file fails, it is rolled back and later files are not run.\n' +
    'Waits up to 60 seconds for another run to finish. Asks for confirmation if the database has data.\n' +
    'On many targets it applies only migrations of the schema qicore; a target with others pending is refused.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --to 1.2.0 --yes',
    '<%= config.bin %> <%= command.id %> --stream core --all-targets',
  ]
  static override flags = {
    ...changeFlags,
    to: Flags.string({summary: 'Last version to apply: 1.2.0, or app.1.0.0.', helpValue: '<version>'}),
    stream: Flags.option({
      options: ['core', 'qicore', 'app'] as const,
      summary: 'Only this stream: core (the schema qicore), qicore (the tables of QiCore), app (your own).',
    })(),
    engine: engineFlag('Engine of a new database; timescaledb creates the extension if the server has it.'),
    'space-partitions': Flags.integer({
      summary: 'Space partitions of new hypertables (4 by default, 0 = none); cannot be changed later.',
      min: 0,
      max: 32_767,
      helpValue: '<n>',
    }),
  }

  protected override async changing(): Promise<Changing<ChangeReport>> {
    const [{planFor, requireOnlyCore}, {lockTimeoutMs}] = await Promise.all([
      import('../../schema/migrate/request.js'),
      import('../../schema/migrate/run.js'),
    ])
    const {to, stream, engine, 'space-partitions': spacePartitions, 'dry-run': dryRun} = this.flags
    return {
      changes: true,
      repairs: 'gate_procedure_missing',
      create: !dryRun,
      prepare:
        () =>
        async (db, {config, many, mode, lockWait, change}) => {
          const options = {
            configDirectory: config?.directory,
            migrations: config?.migrations,
            to,
            stream,
            engine,
            spacePartitions,
          }
          const planned = await planFor(db, options)
          if (many) requireOnlyCore(planned)
          for (const note of planned.notes) mode.report(note)
          // The server may have another engine after the extension was created.
          const replan = async () => (await planFor(db, options)).plan
          return change(planned.plan, {lockWait: await lockWait(lockTimeoutMs), replan, installs: true})
        },
    }
  }
}
