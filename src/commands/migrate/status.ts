import {Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {ExitCode} from '../../errors.js'
import type {MigrationStatus} from '../../schema/migrate/recorded.js'

interface StatusReport {
  kind: 'migrate.status'
  version: 1
  target: string
  at: string
  engine: string
  migrations: MigrationStatus[]
}

export default class MigrateStatus extends BaseCommand<typeof MigrateStatus> {
  static override summary = 'Migrations that are applied, pending, edited or missing; exit 3 if any is wrong.'
  static override description = 'Edited after it was applied, recorded without a file, and applied for another engine are wrong. Changes nothing.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']
  static override flags = {
    check: Flags.boolean({summary: 'Exit 3 also when something is pending.'}),
  }

  async run(): Promise<StatusReport> {
    const [{readRecorded, statusOf, wrongStates}, {sourcesFor}, config] = await Promise.all([
      import('../../schema/migrate/recorded.js'),
      import('../../schema/migrate/request.js'),
      this.loadConfig(),
    ])
    return this.withDatabase(async (db) => {
      const sources = sourcesFor({configDirectory: config?.directory})
      const migrations = statusOf(db.server.engine, sources, await readRecorded(db))
      const wrong = migrations.filter(({state}) => wrongStates.has(state) || (this.flags.check && state === 'pending'))
      if (wrong.length > 0) process.exitCode = ExitCode.found
      const report: StatusReport = {kind: 'migrate.status', ...(await this.reportHead(db)), engine: db.server.engine, migrations}
      if (!this.jsonEnabled()) {
        const {renderMigrations} = await import('../../cli/render/migrate-status.js')
        this.log(renderMigrations(migrations, wrong, process.stdout.columns ?? (Number(process.env.COLUMNS) || 80)))
      }
      return report
    })
  }
}
