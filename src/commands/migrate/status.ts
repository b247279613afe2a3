import {Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {terminal} from '../../cli/terminal.js'
import {ExitCode} from '../../errors.js'
import type {EngineKind} from '../../db/server.js'
import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import type {RoutineStatus} from '../../schema/migrate/routine-state.js'

interface StatusReport {
  kind: 'migrate.status'
  version: 1
  target: string
  at: string
  /** The engine whose migrations are listed: what the database is, or what `migrate up` would make it. */
  engine: EngineKind
  migrations: MigrationStatus[]
  routines: RoutineStatus[]
}

export default class MigrateStatus extends BaseCommand<typeof MigrateStatus> {
  static override summary = 'List migrations and routines: applied, pending, edited, missing or older.'
  static override description =
    `Exits 3 where a migration was edited after it was applied, is recorded without a file or was applied for another engine, and where the schema qicore or a routine is newer than this program. Pending migrations and routines that are older than this program are no error without --check: migrate up brings them up to date. Changes nothing.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']
  static override flags = {
    check: Flags.boolean({summary: 'Exit 3 also when something is pending or older.'}),
  }

  async run(): Promise<StatusReport> {
    const [{readStatus}, config] = await Promise.all([import('../../schema/migrate/status.js'), this.loadConfig()])
    return this.withDatabase(async (db) => {
      const {engine, note, migrations, routines, wrong, pending} = await readStatus(db, {
        configDirectory: config?.directory,
        migrations: config?.migrations,
      })
      if (wrong.length > 0 || (this.flags.check && pending.length > 0)) process.exitCode = ExitCode.found
      const report: StatusReport = {
        kind: 'migrate.status',
        ...(await this.reportHead(db)),
        engine,
        migrations,
        routines,
      }
      if (!this.jsonEnabled()) {
        const {renderMigrations} = await import('../../cli/render/migrate-status.js')
        if (note !== null) this.say(note)
        this.log(
          renderMigrations(
            {migrations, routines, marked: new Set([...wrong, ...(this.flags.check ? pending : [])])},
            terminal().width,
          ),
        )
      }
      return report
    })
  }
}
