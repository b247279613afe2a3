import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {can} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import {command} from '../../units/command.js'
import {statementsOf} from './plan.js'
import type {MigrationSource} from './source.js'

/**
 * Refuses pending migrations that would create an existing table, view or index: the tables were created in another
 * way, or by restoring a dump of some schemas. Files after one that drops or renames an object are not checked.
 * @throws OpsError ALREADY_THERE (exit 3) naming each relation; nothing has been changed then
 */
export async function refuseWhatIsThere(db: Database, pending: readonly MigrationSource[]): Promise<void> {
  const made: {name: string; source: MigrationSource}[] = []
  const hypertables = new Set<string>()
  for (const source of pending.filter(({stream}) => stream !== 'core')) {
    const statements = await statementsOf(source)
    if (statements.some(({removes}) => removes)) break
    for (const name of statements.flatMap((each) => each.hypertables)) hypertables.add(name)
    made.push(
      ...statements
        .filter(({onlyIfMissing}) => !onlyIfMissing)
        .flatMap(({makes}) => makes.filter(({kind}) => kind === 'relation').map(({name}) => ({name, source}))),
    )
  }
  if (made.length === 0) return
  const rows = await db.query<{name: string; kind: string}>(
    statement(loadSql('schema/migrate/present-relations'), [made.map(({name}) => name)]),
  )
  if (rows.length === 0) return
  const first = made.find(({name}) => name === rows[0]!.name)!.source
  const plain = rows.find(
    ({name, kind}) => kind === 'r' && can(db.server.engine, 'hypertables') && hypertables.has(name),
  )
  const names = rows.slice(0, 5).map(({name, kind}) => (kind === 'r' ? `${name} (an ordinary table)` : name))
  const more = rows.length > 5 ? ` and ${rows.length - 5} more` : ''
  throw new OpsError(
    'ALREADY_THERE',
    `${first.file} creates objects that already exist in this database: ${names.join(', ')}${more}. Nothing was done.`,
    {
      exit: ExitCode.found,
      suggestions: [
        'If the tables match those of the migration, record it as applied: ' +
          `${command('migrate baseline', [first.version])}`,
        `What differs: ${command('schema verify')}`,
        ...(plain === undefined
          ? []
          : [
              `${plain.name} is not a hypertable: restoring a dump without TimescaleDB's schemas leaves ordinary ` +
                'tables. Convert it first with create_hypertable(…, migrate_data => true).',
            ]),
      ],
    },
  )
}
