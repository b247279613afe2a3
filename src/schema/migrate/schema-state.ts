import type {Database} from '../../db/database.js'
import {sqlState, SqlState} from '../../db/sqlstate.js'
import {command} from '../../units/command.js'
import {readRecorded, statusOf} from './recorded.js'
import {replacedStates, routineStates} from './routine-state.js'
import {migrationSources} from './source.js'

/** The installed schema qicore compared with that of this program. */
export interface QicoreSchema {
  /** `absent`: not installed. `older`: also if parts are newer. `unknown`: this role may not read it. */
  state: 'absent' | 'current' | 'older' | 'newer' | 'unknown'
  /** The older or newer parts: `core.1.12.0`, `qicore.retain_gap`. */
  differs: string[]
  /** The command that updates it; null if it is current. */
  fix: string | null
}

/** Compares the schema qicore, its routines and QiCore's own routines with those of this program. */
export async function readQicoreSchema(db: Database): Promise<QicoreSchema> {
  if (!db.server.hasQicoreSchema) return {state: 'absent', differs: [], fix: null}
  try {
    const recorded = await readRecorded(db)
    const sources = migrationSources(null)
    const migrations = statusOf(
      db.server.engine,
      sources.filter(({stream}) => stream === 'core'),
      recorded.filter(({stream}) => stream === 'core'),
    )
    const routines = await routineStates(db, db.server.engine, sources, recorded)
    const replaced = routines.filter(({state}) => replacedStates.has(state))
    const older = [
      ...migrations.filter(({state}) => state === 'pending').map(({version}) => version),
      ...replaced.map(({object}) => object),
    ]
    // Without --stream, QiCore's tables would be created in a database that does not have them.
    const stream = replaced.every((routine) => routine.stream === 'core') ? 'core' : undefined
    if (older.length > 0) return {state: 'older', differs: unique(older), fix: command('migrate up', [], {stream})}
    const newer = [
      ...migrations.filter(({state}) => state === 'missing').map(({version}) => version),
      ...routines.filter(({state}) => state === 'newer').map(({object}) => object),
    ]
    return {state: newer.length > 0 ? 'newer' : 'current', differs: unique(newer), fix: null}
  } catch (error) {
    if (sqlState(error) !== SqlState.noPrivilege) throw error
    return {state: 'unknown', differs: [], fix: null}
  }
}

/** One sentence about an outdated or newer schema; null if there is nothing to report. */
export function schemaRemark({state, differs, fix}: QicoreSchema): string | null {
  const listed =
    differs.length > 4 ? `${differs.slice(0, 3).join(', ')} and ${differs.length - 3} more` : differs.join(', ')
  if (state === 'older') return `The schema qicore is older than this version of qicore-db: ${listed}. Fix: ${fix}`
  return state === 'newer' ? `The schema qicore is newer than this version of qicore-db: ${listed}.` : null
}

/** Overloads share a name. */
function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
