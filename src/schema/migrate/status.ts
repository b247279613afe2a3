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
  /** What `migrate up` would do about the engine; null where the database has it already. */
  note: string | null
  migrations: MigrationStatus[]
  routines: RoutineStatus[]
  /** What a person has to look at. */
  wrong: (MigrationStatus | RoutineStatus)[]
  /** What `migrate up` would apply. */
  pending: (MigrationStatus | RoutineStatus)[]
}

/** Everything that `migrate status` reports; changes nothing. */
export async function readStatus(
  db: Database,
  options: Pick<MigrateOptions, 'configDirectory' | 'stream' | 'migrations'>,
): Promise<SchemaStatus> {
  // Without the tables of QiCore their rows are no migrations whose files are missing.
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
