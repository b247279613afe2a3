import {Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import {ExitCode} from '../../errors.js'
import type {EngineKind} from '../../engines/index.js'
import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import type {RoutineStatus} from '../../schema/migrate/routine-state.js'

interface StatusReport {
  kind: 'migrate.status'
  version: 1
  target: string
  at: string
  /** The engine whose migrations are listed: that of the database, or the one that `migrate up` would choose. */
  engine: EngineKind
  migrations: MigrationStatus[]
  routines: RoutineStatus[]
}

export default class MigrateStatus extends ReportCommand<typeof MigrateStatus> {
  static override summary = 'List migrations and routines: applied, pending, edited, missing or older.'
  static override description =
    `Exits 3 if a migration was edited after it was applied, is recorded without a file or was applied for another engine, and if the schema qicore or a routine is newer than this program. Pending migrations and routines that are older than this program are an error with --check only: migrate up updates them. Changes nothing.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']
  static override flags = {
    check: Flags.boolean({summary: 'Exit 3 also if something is pending or older.'}),
  }

  static override tables() {
    return {'': async () => (await import('../../schema/migrate/status-table.js')).migrationStatusTable}
  }

  async run(): Promise<StatusReport> {
    const [{readStatus}, {migrationStatusTable, statusRows}, config] = await Promise.all([
      import('../../schema/migrate/status.js'),
      import('../../schema/migrate/status-table.js'),
      this.loadConfig(),
    ])
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
      if (note !== null && !this.jsonEnabled()) this.report(note)
      const marked = new Set([...wrong, ...(this.flags.check ? pending : [])])
      const rows = await this.show(migrationStatusTable, report, statusRows(migrations, routines, marked), async () =>
        (await import('../../cli/render/migrate-status.js')).aroundMigrations(migrations, routines),
      )
      return {
        ...report,
        migrations: rows.flatMap((row) => (row.kind === 'migration' ? [row.entry] : [])),
        routines: rows.flatMap((row) => (row.kind === 'routine' ? [row.entry] : [])),
      }
    })
  }
}
