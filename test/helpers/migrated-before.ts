import {migrateUp} from '../../src/schema/migrate/run.js'
import {planFor} from '../../src/schema/migrate/request.js'
import {routinesSince} from '../../src/schema/migrate/routine-state.js'
import {compareVersions, type StreamSource} from '../../src/schema/migrate/source.js'
import {quick} from './run-steps.js'
import type {TestDatabase} from './engines.js'

/**
 * A database as it was before a migration of the schema qicore. By default before repeatable routines: the numbered
 * migrations up to core.1.11.0, whose files never change, and no recorded routine.
 */
export async function migratedBefore({db}: TestDatabase, version = routinesSince): Promise<void> {
  const {request} = await planFor(db, {})
  // Before core.1.17.0 a database of Citus was migrated as one of plain PostgreSQL.
  const engine = request.engine === 'citus' ? 'postgres' : request.engine
  const older = (source: StreamSource): StreamSource =>
    source.stream === 'core'
      ? {...source, files: source.files.filter((file) => compareVersions(file.version, version) < 0)}
      : source
  const {steps} = await migrateUp(
    db,
    {...request, engine, sources: request.sources.map(older)},
    {actor: 'test', targetHost: 'here'},
    {limits: quick},
  )
  const failed = steps.find(({status}) => status !== 'done')
  if (failed) throw new Error(`${failed.id}: ${failed.error}`)
}
