import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import type {NewMigration} from '../../schema/migrate/new.js'

interface NewReport {
  kind: 'migrate.new'
  version: 1
  target: null
  at: string
  migration: NewMigration
}

export default class MigrateNew extends BaseCommand<typeof MigrateNew> {
  static override summary = 'Write the next migration file.'
  static override description =
    'The file gets the next number, the next version and a header. It has the statements for what was added to ' +
    'the definitions since the last migration (a column, an index, a check). Changes that cannot be generated ' +
    'are listed, and written as comments into the file.'
  static override examples = ['<%= config.bin %> <%= command.id %> add_desk_column']
  static override args = {name: Args.string({description: 'what it does, in a few words', required: true})}
  static override flags = {
    stream: Flags.option({
      options: ['app', 'qicore', 'core'] as const,
      default: 'app' as const,
      summary: 'app: migrations/ beside the configuration. qicore, core: a checkout of qicore-db.',
    })(),
  }

  async run(): Promise<NewReport> {
    const [{newMigration, streamForNew}, {userTables}, config] = await Promise.all([
      import('../../schema/migrate/new.js'),
      import('../../schema/user-tables.js'),
      this.loadConfig(),
    ])
    const {source, definitions} = streamForNew(
      this.flags.stream,
      config?.directory ?? null,
      config && userTables(config.tables),
    )
    const migration = newMigration(source, this.args.name, definitions)
    if (!this.jsonEnabled()) {
      this.log(
        `${migration.files.join('\n')}: version ${migration.version}, ` +
          `${migration.statements === 0 ? 'empty' : `${migration.statements} statements`}`,
      )
      for (const reason of migration.cannot) this.report(`Not generated, write it yourself: ${reason}.`)
    }
    return {kind: 'migrate.new', version: 1, target: null, at: new Date().toISOString(), migration}
  }
}
