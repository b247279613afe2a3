import {Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {ExitCode} from '../../errors.js'
import type {EngineKind} from '../../engines/index.js'
import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import type {readStatus} from '../../schema/migrate/status.js'
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

/** What is read of one database. */
interface Read {
  status: Awaited<ReturnType<typeof readStatus>>
  head: {version: 1; target: string; at: string}
}

export default class MigrateStatus extends TargetReport<typeof MigrateStatus, Read, StatusReport> {
  static override summary = 'List migrations and routines: applied, pending, edited, missing or older.'
  static override description =
    'Exits 3 if a migration was edited after it was applied, is recorded but has no file, or was applied for ' +
    'another engine, or if the schema qicore or a routine is newer than qicore-db. Pending migrations and ' +
    'older routines make it exit 3 only with --check; migrate up applies them. Changes nothing.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --check']
  static override flags = {
    check: Flags.boolean({summary: 'Exit 3 also if something is pending or older.'}),
  }

  static override tables() {
    return {'': async () => (await import('../../schema/migrate/status-table.js')).migrationStatusTable}
  }

  protected override readonly kind = 'migrate.status'

  protected override async reading(): Promise<Reading<Read, StatusReport>> {
    const [{readStatus}, {migrationStatusTable, statusRows}] = await Promise.all([
      import('../../schema/migrate/status.js'),
      import('../../schema/migrate/status-table.js'),
    ])
    const {check} = this.flags
    return {
      read: async (db, {config}) => ({
        status: await readStatus(db, {configDirectory: config?.directory, migrations: config?.migrations}),
        head: await this.reportHead(db),
      }),
      exitCode: ({status: {wrong, pending}}) =>
        wrong.length > 0 || (check && pending.length > 0) ? ExitCode.found : undefined,
      show: async ({status: {engine, note, migrations, routines, wrong, pending}, head}, show, context) => {
        if (note !== null && !this.jsonEnabled()) context.report(note)
        const marked = new Set([...wrong, ...(check ? pending : [])])
        const rows = await show(migrationStatusTable, head, statusRows(migrations, routines, marked), async () =>
          (await import('../../cli/render/migrate-status.js')).aroundMigrations(migrations, routines),
        )
        return {
          kind: 'migrate.status',
          ...head,
          engine,
          migrations: rows.flatMap((row) => (row.kind === 'migration' ? [row.entry] : [])),
          routines: rows.flatMap((row) => (row.kind === 'routine' ? [row.entry] : [])),
        }
      },
    }
  }
}
