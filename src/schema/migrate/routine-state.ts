import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import type {EngineKind} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {programVersion} from './program.js'
import type {Recorded} from './recorded.js'
import {routineFiles, type RoutineFile} from './routine-files.js'
import {compareVersions, migrationsFor, type Stream, type StreamSource} from './source.js'

/** The migration that creates the table in which routines are recorded. */
export const routinesSince = 'core.1.12.0'

/**
 * `applied`: matches the file. `pending`: the migration it requires is not applied. `older`: another text is installed,
 * by this version of the program or an earlier one. `missing`: it was installed and no longer exists. `edited`:
 * recorded with this text, but the source in the database differs. `newer`: installed by a later version of the
 * program, or the database has migrations unknown to this program; it is not changed.
 */
export type RoutineState = 'applied' | 'pending' | 'older' | 'missing' | 'edited' | 'newer'

export interface RoutineStatus {
  name: string
  stream: Stream
  /** `qicore.retain_gap`. */
  object: string
  state: RoutineState
  appliedAt: Instant | null
  /** Version of the program that installed it; null if not recorded. */
  program: string | null
}

/** States in which `migrate up` installs the file. */
export const replacedStates: ReadonlySet<RoutineState> = new Set(['older', 'missing', 'edited'])

interface RoutineRow {
  name: string
  checksum: string | null
  program: string | null
  appliedAt: Instant | null
  present: boolean
  same: boolean
}

/** The state of every routine of this program for an engine. */
export async function routineStates(
  db: Database,
  engine: EngineKind,
  sources: readonly StreamSource[],
  recorded: readonly Recorded[],
): Promise<RoutineStatus[]> {
  const files = routineFiles(engine)
  const applied = new Set(recorded.map(({version}) => version))
  const rows = new Map((applied.has(routinesSince) ? await readRows(db, files) : []).map((row) => [row.name, row]))
  const ahead = isAhead(engine, sources, recorded)
  return files.map((file) => {
    const row = rows.get(file.name)
    const state = applied.has(file.since) ? stateOf(file, row, ahead) : 'pending'
    return {
      name: file.name,
      stream: file.stream,
      object: `${file.schema}.${file.routine}`,
      state,
      appliedAt: row?.appliedAt ?? null,
      program: row?.program ?? null,
    }
  })
}

async function readRows(db: Database, files: readonly RoutineFile[]): Promise<RoutineRow[]> {
  const columns = [
    files.map(({name}) => name),
    files.map(({schema}) => schema),
    files.map(({routine}) => routine),
    files.map(({source}) => source),
  ]
  return db.query<RoutineRow>(statement(loadSql('schema/migrate/routines'), columns))
}

function stateOf(file: RoutineFile, row: RoutineRow | undefined, ahead: boolean): RoutineState {
  if (row?.checksum === file.checksum) {
    if (row.same) return 'applied'
    return row.present ? 'edited' : 'missing'
  }
  if (row?.program != null && (ahead || laterProgram(row.program))) return 'newer'
  return row === undefined || row.present ? 'older' : 'missing'
}

/** Whether the database has migrations of the package that are unknown to this program. */
function isAhead(engine: EngineKind, sources: readonly StreamSource[], recorded: readonly Recorded[]): boolean {
  const packaged = sources.filter(({stream}) => stream !== 'app')
  const known = new Set(packaged.flatMap((source) => migrationsFor(source, engine).map(({version}) => version)))
  return recorded.some(
    ({version, stream}) => packaged.some((source) => source.stream === stream) && !known.has(version),
  )
}

/** Only releases can be ordered; between two builds of the same version, the last run wins. */
function laterProgram(version: string): boolean {
  const release = (text: string) => text.replace(/[-+].*$/, '')
  return compareVersions(release(version), release(programVersion)) > 0
}
