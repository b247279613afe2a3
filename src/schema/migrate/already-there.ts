import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {can} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import {command} from '../../units/command.js'
import {statementsOf} from './plan.js'
import type {MigrationSource} from './source.js'

/**
 * Refuses pending migrations that would make a table, a view or an index that is here already: the tables came another
 * way, or from a dump of some schemas only. Files behind one that drops or renames something are not looked at.
 * @throws OpsError ALREADY_THERE (exit 3) naming each relation, with nothing done
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
    `${first.file} makes what is in this database already: ${names.join(', ')}${more}. Nothing was done.`,
    {
      exit: ExitCode.found,
      suggestions: [
        `If the tables are as the migration makes them, record it: ${command('migrate baseline', [first.version])}`,
        `What differs: ${command('schema verify')}`,
        ...(plain === undefined
          ? []
          : [
              `${plain.name} is no hypertable: a dump that was restored without the schemas of TimescaleDB leaves ordinary tables. Convert it first with create_hypertable(…, migrate_data => true).`,
            ]),
      ],
    },
  )
}
