import {join} from 'node:path'
import type {Database} from '../../db/database.js'
import type {EngineKind} from '../../engines/index.js'
import {ExitCode, OpsError} from '../../errors.js'
import type {Plan} from '../../run/step.js'
import {chooseEngine} from './engine.js'
import {refuseWhatIsThere} from './already-there.js'
import {holdsData, pendingOf, planMigrations, type MigrationRequest} from './plan.js'
import {programVersion} from './program.js'
import {readRecorded, statusOf, wrongStates, type MigrationStatus, type Recorded} from './recorded.js'
import {routineStates, type RoutineStatus} from './routine-state.js'
import {migrationSources, type MigrationSource, type Stream, type StreamSource} from './source.js'
import {command} from '../../units/command.js'

/** Options of a migration run. */
export interface MigrateOptions {
  /** Directory of the configuration; the user's migrations are in migrations/ beside it. */
  configDirectory?: string | null | undefined
  /** Only this stream, plus the schema qicore, which every stream requires. */
  stream?: Stream | undefined
  /** `own` omits QiCore's tables, unless `stream` selects them. */
  migrations?: 'all' | 'own' | undefined
  to?: string | undefined
  engine?: EngineKind | undefined
  spacePartitions?: number | undefined
}

/** The plan, the resolved request, and notes for the operator. */
export interface MigratePlan {
  plan: Plan
  /** The files of the plan. */
  pending: readonly MigrationSource[]
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

/** The input of a request, as read. */
export interface ReadRequest {
  request: MigrationRequest
  recorded: Recorded[]
  /** A note about the engine, or null. */
  note: string | null
}

/**
 * Resolves the files and the engine that the options select.
 * @throws OpsError whatever {@link chooseEngine} or reading the files throws
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
 * Reads the state of the database and plans the missing migrations.
 * @throws OpsError whatever {@link requestFor}, {@link refuseWhatIsThere} or parsing the files throws; nothing has been
 * changed then
 */
export async function planFor(db: Database, options: MigrateOptions): Promise<MigratePlan> {
  const {request, recorded, note} = await requestFor(db, options)
  const {engine, sources} = request
  const pending = pendingOf(request, recorded)
  if (options.stream !== 'core') await refuseWhatIsThere(db, pending)
  const odd = statusOf(engine, migrationSources(ownDirectory(options.configDirectory)), recorded).filter(({state}) =>
    wrongStates.has(state),
  )
  const newer = (await routineStates(db, engine, sources, recorded)).filter(({state}) => state === 'newer')
  return {
    plan: await planMigrations(db, request),
    pending,
    request,
    notes: [...(note === null ? [] : [`Engine: ${note}.`]), ...odd.map(oddity), ...newer.map(newerRoutine)],
  }
}

/**
 * Refuses a plan that does more than install or update the schema qicore, for a run on many databases.
 * @throws OpsError NOT_ONLY_CORE (exit 7)
 */
export function requireOnlyCore({pending, plan}: Pick<MigratePlan, 'pending' | 'plan'>): void {
  const others = pending.filter(({stream}) => stream !== 'core').map(({version}) => version)
  const extension = plan.steps.filter(({kind}) => kind === 'extension').map(({id}) => id)
  const refused = [...extension, ...others]
  if (refused.length === 0) return
  throw new OpsError(
    'NOT_ONLY_CORE',
    `On many targets only the schema qicore is migrated, and here the plan also has: ${refused.join(', ')}.`,
    {
      exit: ExitCode.refused,
      suggestions: [
        `Migrate this target alone: ${command('migrate up', [], {'dry-run': true})}`,
        'Or only the schema qicore on all of them: --stream core --engine postgres.',
      ],
    },
  )
}

function newerRoutine({object, program}: RoutineStatus): string {
  return (
    `Warning: ${object} was installed by qicore-db ${program ?? 'of an unknown version'}, which is newer than ` +
    `this one (${programVersion}); it is not replaced.`
  )
}

function oddity({version, state, file}: MigrationStatus): string {
  if (state === 'edited')
    return `Warning: ${file} was edited after version ${version} was applied; it will not be run again.`
  return `Warning: version ${version} is recorded in this database, but its file does not exist.`
}
