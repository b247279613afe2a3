import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Plan, Step} from '../../run/step.js'
import type {MadeObject} from './effect.js'
import {migrationLock, record, statementsOf, type MigrationRequest} from './plan.js'
import {readRecorded} from './recorded.js'
import {compareVersions, migrationsFor, streamOf, type MigrationSource} from './source.js'
import {command} from '../../units/command.js'

/**
 * Records every version up to the given one as applied, without running it: for a database whose objects were created
 * in another way.
 * @throws OpsError NO_SUCH_VERSION, NOT_THERE (exit 3) naming objects of a recorded version that do not exist
 */
export async function planBaseline(db: Database, {sources, engine}: MigrationRequest, version: string): Promise<Plan> {
  const stream = sources.find((source) => source.stream === streamOf(version))
  const migrations = stream ? migrationsFor(stream, engine) : []
  if (!migrations.some((migration) => migration.version === version))
    throw usageError('NO_SUCH_VERSION', `There is no migration of version ${version}.`, [
      `Known versions: ${migrations.map((migration) => migration.version).join(', ') || 'none'}.`,
    ])
  const done = new Set((await readRecorded(db)).map((row) => row.version))
  const wanted = migrations
    .filter((migration) => compareVersions(migration.version, version) <= 0 && !done.has(migration.version))
    .flatMap(({source}) => (source ? [source] : []))
  const missing = await missingObjects(db, wanted)
  if (missing.length > 0)
    throw new OpsError('NOT_THERE', `This database is not at version ${version}; missing:\n${formatNames(missing)}`, {
      exit: ExitCode.found,
      suggestions: [
        'Nothing was recorded. Name the version that the database has, or apply the missing ones: ' +
          `${command('migrate up')}`,
      ],
    })
  return {
    operation: 'migrate baseline',
    summary: `record ${version} and all earlier versions as applied`,
    cutoff: null,
    tables: [],
    locks: [migrationLock],
    steps: wanted.map((source) => recordStep(db, source, engine)),
  }
}

function recordStep(db: Database, source: MigrationSource, engine: MigrationRequest['engine']): Step {
  return {
    id: `record ${source.version} ${source.name}`,
    kind: 'baseline',
    object: source.file,
    statements: [record(source, engine)],
    lock: 'NONE',
    class: 'safe',
    transaction: 'own',
    doneCheck: db.server.hasQicoreSchema ? statement(loadSql('schema/migrate/is-recorded'), [source.version]) : null,
    repeatable: false,
    dependsOn: [],
    relations: [],
    bytes: null,
  }
}

/** The first names show which kind of database this is. Overloads share a name. */
function formatNames(names: readonly string[]): string {
  const once = [...new Set(names)]
  const shown = once.length <= 20 ? once : once.slice(0, 18)
  return [...shown, ...(shown.length < once.length ? [`and ${once.length - shown.length} more`] : [])]
    .map((name) => `- ${name}`)
    .join('\n')
}

/** The objects that the migrations create, and that none of the later ones drops, but that do not exist. */
async function missingObjects(db: Database, sources: readonly MigrationSource[]): Promise<string[]> {
  const expected = new Map<string, MadeObject>()
  const objectKey = ({kind, name, on}: MadeObject) => [kind, name, on ?? ''].join('\0')
  for (const source of sources)
    for (const {makes, drops} of await statementsOf(source)) {
      for (const dropped of drops) expected.delete(objectKey(dropped))
      for (const made of makes) expected.set(objectKey(made), made)
    }
  const made = [...expected.values()]
  if (made.length === 0) return []
  const values = [made.map(({kind}) => kind), made.map(({name}) => name), made.map(({on}) => on ?? '')]
  const rows = await db.query<MadeObject>(statement(loadSql('schema/migrate/missing-objects'), values))
  return rows.map(({kind, name, on}) =>
    on ? `${kind} ${name} on ${on}` : `${kind === 'relation' ? '' : `${kind} `}${name}`,
  )
}
