import type {Database} from '../../db/database.js'
import type {EngineKind} from '../../engines/index.js'
import {expectedEngine} from './engine.js'
import {holdsData} from './plan.js'
import {readRecorded, statusOf, wrongStates, type MigrationStatus} from './recorded.js'
import {sourcesFor, type MigrateOptions} from './request.js'
import {replacedStates, routineStates, type RoutineStatus} from './routine-state.js'

export interface SchemaStatus {
  /** The engine whose migrations are listed. */
  engine: EngineKind
  /** What `migrate up` would do about the engine; null if the database already has it. */
  note: string | null
  migrations: MigrationStatus[]
  routines: RoutineStatus[]
  /** Migrations and routines that need the operator's attention. */
  wrong: (MigrationStatus | RoutineStatus)[]
  /** Migrations and routines that `migrate up` would apply. */
  pending: (MigrationStatus | RoutineStatus)[]
}

/** The report of `migrate status`. Read-only. */
export async function readStatus(
  db: Database,
  options: Pick<MigrateOptions, 'configDirectory' | 'stream' | 'migrations'>,
): Promise<SchemaStatus> {
  // With `own`, QiCore's records must not be reported as migrations without a file.
  const recorded = (await readRecorded(db)).filter(({stream}) => options.migrations !== 'own' || stream !== 'qicore')
  const sources = sourcesFor(options)
  const {engine, note} = expectedEngine(db.server, recorded, await holdsData(db))
  const migrations = statusOf(engine, sources, recorded)
  const routines = (await routineStates(db, engine, sources, recorded)).filter(({stream}) =>
    sources.some((source) => source.stream === stream),
  )
  return {
    engine,
    note,
    migrations,
    routines,
    wrong: [
      ...migrations.filter(({state}) => wrongStates.has(state)),
      ...routines.filter(({state}) => state === 'newer'),
    ],
    pending: [
      ...migrations.filter(({state}) => state === 'pending'),
      ...routines.filter(({state}) => replacedStates.has(state)),
    ],
  }
}
