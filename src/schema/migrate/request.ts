import {join} from 'node:path'
import type {Database} from '../../db/database.js'
import type {EngineKind} from '../../engines/index.js'
import type {Plan} from '../../run/step.js'
import {chooseEngine} from './engine.js'
import {refuseWhatIsThere} from './already-there.js'
import {holdsData, pendingOf, planMigrations, type MigrationRequest} from './plan.js'
import {programVersion} from './program.js'
import {readRecorded, statusOf, wrongStates, type MigrationStatus, type Recorded} from './recorded.js'
import {routineStates, type RoutineStatus} from './routine-state.js'
import {migrationSources, type Stream, type StreamSource} from './source.js'

/** What a person or a program may say about a migration run; all of it optional. */
export interface MigrateOptions {
  /** Where the configuration lies: a user's own migrations are in migrations/ beside it. */
  configDirectory?: string | null | undefined
  /** Only this stream, and the schema qicore that all need. */
  stream?: Stream | undefined
  /** `own` leaves the tables of QiCore out, unless `stream` asks for them. */
  migrations?: 'all' | 'own' | undefined
  to?: string | undefined
  engine?: EngineKind | undefined
  spacePartitions?: number | undefined
}

/** The plan of what was asked for, the request it became, and what a person should know besides. */
export interface MigratePlan {
  plan: Plan
  request: MigrationRequest
  notes: string[]
}

export function sourcesFor({configDirectory, stream, migrations}: MigrateOptions): StreamSource[] {
  const all = migrationSources(ownDirectory(configDirectory))
  if (stream !== undefined) return all.filter((source) => source.stream === stream || source.stream === 'core')
  return migrations === 'own' ? all.filter((source) => source.stream !== 'qicore') : all
}

export function ownDirectory(configDirectory: string | null | undefined): string | null {
  return configDirectory == null ? null : join(configDirectory, 'migrations')
}

/** What was read to work a request out. */
export interface ReadRequest {
  request: MigrationRequest
  recorded: Recorded[]
  /** What is to be said of the engine; null where nothing is. */
  note: string | null
}

/**
 * The files and the engine that the options select. @throws OpsError what {@link chooseEngine} or reading the files throws
 */
export async function requestFor(db: Database, options: MigrateOptions): Promise<ReadRequest> {
  const recorded = await readRecorded(db)
  const sources = sourcesFor(options)
  const {engine, createExtension, note} = chooseEngine(db.server, recorded, options.engine, await holdsData(db))
  return {
    request: {sources, engine, createExtension, to: options.to, spacePartitions: options.spacePartitions},
    recorded,
    note,
  }
}

/**
 * Reads what is there and plans what is missing.
 * @throws OpsError what {@link requestFor}, {@link refuseWhatIsThere} or the syntax of the files throws, with nothing
 * done
 */
export async function planFor(db: Database, options: MigrateOptions): Promise<MigratePlan> {
  const {request, recorded, note} = await requestFor(db, options)
  const {engine, sources} = request
  if (options.stream !== 'core') await refuseWhatIsThere(db, pendingOf(request, recorded))
  const odd = statusOf(engine, migrationSources(ownDirectory(options.configDirectory)), recorded).filter(({state}) =>
    wrongStates.has(state),
  )
  const newer = (await routineStates(db, engine, sources, recorded)).filter(({state}) => state === 'newer')
  return {
    plan: await planMigrations(db, request),
    request,
    notes: [...(note === null ? [] : [`Engine: ${note}.`]), ...odd.map(oddity), ...newer.map(newerRoutine)],
  }
}

function newerRoutine({object, program}: RoutineStatus): string {
  return `Warning: ${object} was installed by qicore-db ${program ?? 'of an unknown version'}, which is newer than this one (${programVersion}); it is not replaced.`
}

function oddity({version, state, file}: MigrationStatus): string {
  if (state === 'edited')
    return `Warning: ${file} was edited after version ${version} was applied; it is not run again.`
  return `Warning: version ${version} is recorded here, but there is no file of it.`
}
