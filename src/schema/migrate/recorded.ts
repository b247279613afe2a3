import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {takesMigrationsOf, type EngineKind} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {compareVersions, migrationsFor, streamOf, streams, type Stream, type StreamSource} from './source.js'

/** A row of qicore.schema_versions. Without a checksum it was inserted by hand, so its file cannot be compared. */
export interface Recorded {
  version: string
  stream: Stream
  description: string | null
  engine: EngineKind | null
  checksum: string | null
  appliedAt: Instant
}

/** The applied versions; empty if the schema qicore is not installed. */
export async function readRecorded(db: Database): Promise<Recorded[]> {
  if (!db.server.hasQicoreSchema) return []
  const rows = await db.query<Recorded>(statement(loadSql('schema/migrate/versions')))
  return rows.map((row) => ({...row, stream: streamOf(row.version)}))
}

export type MigrationState = 'applied' | 'pending' | 'edited' | 'missing' | 'wrong engine' | 'not for this engine'

export interface MigrationStatus {
  stream: Stream
  version: string
  description: string | null
  state: MigrationState
  file: string | null
  appliedAt: Instant | null
  /** The engine for which it was applied. */
  engine: EngineKind | null
}

/** States that need the operator's attention; pending does not. */
export const wrongStates: ReadonlySet<MigrationState> = new Set(['edited', 'missing', 'wrong engine'])

/** Every version that has a file or a record, in the order of application. */
export function statusOf(
  engine: EngineKind,
  sources: readonly StreamSource[],
  recorded: readonly Recorded[],
): MigrationStatus[] {
  return streams.flatMap((stream) => {
    const source = sources.find((candidate) => candidate.stream === stream) ?? {stream, directory: '', files: []}
    const rows = new Map(recorded.filter((row) => row.stream === stream).map((row) => [row.version, row]))
    const known = migrationsFor(source, engine).map((migration) => {
      const row = rows.get(migration.version)
      rows.delete(migration.version)
      const file = migration.source?.file ?? null
      if (!row)
        return entry(
          stream,
          migration.version,
          migration.description,
          migration.source ? 'pending' : 'not for this engine',
          file,
          null,
        )
      return entry(
        stream,
        migration.version,
        row.description ?? migration.description,
        appliedState(engine, source, row),
        file,
        row,
      )
    })
    const missing = [...rows.values()].map((row) => entry(stream, row.version, row.description, 'missing', null, row))
    return [...known, ...missing].sort((a, b) => compareVersions(a.version, b.version))
  })
}

function appliedState(engine: EngineKind, source: StreamSource, row: Recorded): MigrationState {
  // The schema qicore is the same on every engine.
  if (row.stream !== 'core' && row.engine !== null && !takesMigrationsOf(engine, row.engine)) return 'wrong engine'
  const applied = migrationsFor(source, row.engine ?? engine).find(({version}) => version === row.version)
  return row.checksum !== null && applied?.source && applied.source.checksum !== row.checksum ? 'edited' : 'applied'
}

function entry(
  stream: Stream,
  version: string,
  description: string | null,
  state: MigrationState,
  file: string | null,
  row: Recorded | null,
): MigrationStatus {
  return {stream, version, description, state, file, appliedAt: row?.appliedAt ?? null, engine: row?.engine ?? null}
}
