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
 * Records everything up to a version as applied, without running it: for a database whose objects came another way.
 * @throws OpsError NO_SUCH_VERSION, NOT_THERE (exit 3) naming what a recorded version would promise and is not there
 */
export async function planBaseline(db: Database, {sources, engine}: MigrationRequest, version: string): Promise<Plan> {
  const stream = sources.find((source) => source.stream === streamOf(version))
  const migrations = stream ? migrationsFor(stream, engine) : []
  if (!migrations.some((migration) => migration.version === version))
    throw usageError('NO_SUCH_VERSION', `There is no migration of version ${version}.`, [
      `There are: ${migrations.map((migration) => migration.version).join(', ') || 'none'}.`,
    ])
  const done = new Set((await readRecorded(db)).map((row) => row.version))
  const wanted = migrations
    .filter((migration) => compareVersions(migration.version, version) <= 0 && !done.has(migration.version))
    .flatMap(({source}) => (source ? [source] : []))
  const missing = (await Promise.all(wanted.map((source) => missingObjects(db, source)))).flat()
  if (missing.length > 0)
    throw new OpsError('NOT_THERE', `This database is not at version ${version}; missing:\n${formatNames(missing)}`, {
      exit: ExitCode.found,
      suggestions: [
        `Nothing was recorded. Name the version that is there, or apply what is missing: ${command('migrate up')}`,
      ],
    })
  return {
    operation: 'migrate baseline',
    summary: `record ${version} and what comes before it as applied`,
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

/** Overloads have one name; of many the first say what kind of database this is. */
function formatNames(names: readonly string[]): string {
  const once = [...new Set(names)]
  const shown = once.length <= 20 ? once : once.slice(0, 18)
  return [...shown, ...(shown.length < once.length ? [`and ${once.length - shown.length} more`] : [])]
    .map((name) => `- ${name}`)
    .join('\n')
}

async function missingObjects(db: Database, source: MigrationSource): Promise<string[]> {
  const made = (await statementsOf(source)).flatMap(({makes}) => makes)
  if (made.length === 0) return []
  const values = [made.map(({kind}) => kind), made.map(({name}) => name), made.map(({on}) => on ?? '')]
  const rows = await db.query<MadeObject>(statement(loadSql('schema/migrate/missing-objects'), values))
  return rows.map(({kind, name, on}) =>
    on ? `${kind} ${name} on ${on}` : `${kind === 'relation' ? '' : `${kind} `}${name}`,
  )
}
