import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import type {EngineKind} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {programVersion} from './program.js'
import type {Recorded} from './recorded.js'
import {routineFiles, type RoutineFile} from './routine-files.js'
import {compareVersions, migrationsFor, type Stream, type StreamSource} from './source.js'

/** The migration that makes the table in which routines are recorded. */
export const routinesSince = 'core.1.12.0'

/**
 * `applied`: as the file says. `pending`: the migration that it belongs to is not applied yet. `older`: another text is
 * installed, by this version of the program or an earlier one. `missing`: it was installed and is gone. `edited`:
 * recorded as this text, and the source in the database is another. `newer`: installed by a later version of the
 * program, or the database has migrations that this program does not know; it is left alone.
 */
export type RoutineState = 'applied' | 'pending' | 'older' | 'missing' | 'edited' | 'newer'

export interface RoutineStatus {
  name: string
  stream: Stream
  /** `qicore.retain_gap`. */
  object: string
  state: RoutineState
  appliedAt: Instant | null
  /** The version of the program that installed it; null where that is not recorded. */
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

/** Every routine of this program for an engine, and how the database has it. */
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

/** Whether the database has migrations of the package that this program has no file of. */
function isAhead(engine: EngineKind, sources: readonly StreamSource[], recorded: readonly Recorded[]): boolean {
  const packaged = sources.filter(({stream}) => stream !== 'app')
  const known = new Set(packaged.flatMap((source) => migrationsFor(source, engine).map(({version}) => version)))
  return recorded.some(
    ({version, stream}) => packaged.some((source) => source.stream === stream) && !known.has(version),
  )
}

/** Between two builds of one version the last run wins: only a release can be told from another. */
function laterProgram(version: string): boolean {
  const release = (text: string) => text.replace(/[-+].*$/, '')
  return compareVersions(release(version), release(programVersion)) > 0
}
