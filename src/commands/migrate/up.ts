import {Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {engineFlag} from '../../cli/engine-flag.js'
import {changeFlags} from '../../cli/flags.js'

export default class MigrateUp extends BaseCommand<typeof MigrateUp> {
  static override aliases = ['schema:create']
  static override summary = 'Apply the pending migrations, each file in a transaction of its own.'
  static override description =
    `The schema qicore comes first, then the tables of QiCore, then the files in migrations/ beside the configuration.
Running it again changes nothing. A file that fails is rolled back, and later files are not run.
Waits up to 60 seconds for another run to finish. On a database that has data it asks for confirmation.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --to 1.2.0 --yes',
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

  async run(): Promise<ChangeReport> {
    const {flags} = this
    const [{planFor}, {lockTimeoutMs}, config] = await Promise.all([
      import('../../schema/migrate/request.js'),
      import('../../schema/migrate/run.js'),
      this.loadConfig(),
    ])
    const {to, stream, engine, 'space-partitions': spacePartitions} = flags
    const options = {
      configDirectory: config?.directory,
      migrations: config?.migrations,
      to,
      stream,
      engine,
      spacePartitions,
    }
    return this.withDatabase(
      async (db) => {
        const {plan, notes} = await planFor(db, options)
        for (const note of notes) this.report(note)
        // The server may have another engine after the extension was created.
        const replan = async () => (await planFor(db, options)).plan
        return this.confirmAndRun(db, plan, flags, {
          lockWait: await this.lockWait(lockTimeoutMs),
          replan,
          installs: true,
        })
      },
      {changes: true, create: !flags['dry-run']},
    )
  }
}
