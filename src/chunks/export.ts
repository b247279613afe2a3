import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import {formatInteger} from '../catalog/format-point.js'
import {highest, lowest, overlaps, spanOf, spanWords, type Span} from '../catalog/span.js'
import type {TableClock} from '../catalog/table-clock.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import type {ExportSettings} from '../export/settings.js'
import type {Subject} from '../export/source.js'
import {exportStepId, planExports} from '../export/steps.js'
import type {Step} from '../run/step.js'
import {
  bytesOf,
  chunkName,
  countChunks,
  formatChunkNames,
  oldestFirst,
  requireChunks,
  type PlannedChange,
} from './hypertable.js'
import {cutoffOf, type Age} from './range.js'

export interface ExportRequest {
  table: Table
  clock: TableClock
  /** Chunks that are entirely older than an age, or those that overlap a range. */
  chunks: {olderThan: Age} | {span: Span}
  settings: ExportSettings
}

/**
 * Plans the export of chunks, a file each. Chunks whose rows a verified export has are left out.
 * @throws OpsError NOT_A_HYPERTABLE, NO_PRIVILEGE, NO_CLOCK
 */
export async function planExport(db: Database, request: ExportRequest): Promise<PlannedChange> {
  const {table, clock, settings} = request
  await requireChunks(db, table)
  const {chosen, words, cutoff} = choose(request)
  const {rest, notes} = withoutTiered(chosen)
  const exports = await exportSteps(db, table, clock, oldestFirst(rest), settings)
  return {
    plan: {
      operation: `chunks export ${qualifiedName(table)}`,
      summary: `export ${countChunks(exports.steps.length)} of ${qualifiedName(table)}${words} to ${settings.to}`,
      cutoff,
      tables: [qualifiedName(table)],
      locks: [],
      steps: exports.steps,
    },
    notes: [...notes, ...exports.notes],
  }
}

function choose({table, clock, chunks}: ExportRequest) {
  if ('span' in chunks) {
    const chosen = table.chunks.filter((chunk) => overlaps(spanOf(chunk), chunks.span))
    return {chosen, words: `, ${spanWords(chunks.span, table.time)},`, cutoff: null}
  }
  if (table.time === 'other')
    throw usageError('NO_CLOCK', `The age of the chunks of ${qualifiedName(table)} is not known. Nothing was exported.`)
  const {point, words, instant} = cutoffOf(table, clock, chunks.olderThan)
  const chosen = table.chunks.filter(({end}) => end !== null && end <= point)
  return {chosen, words: ` older than ${words}`, cutoff: instant}
}

function withoutTiered(chunks: readonly Chunk[]): {rest: Chunk[]; notes: string[]} {
  const tiered = chunks.filter((chunk) => chunk.tiered)
  return {
    rest: chunks.filter((chunk) => !chunk.tiered),
    notes: tiered.length === 0 ? [] : [`Tiered to object storage already, skipped: ${formatChunkNames(tiered)}.`],
  }
}

/** Exports of chunks as steps, and a note about those that are exported already. */
export async function exportSteps(
  db: Database,
  table: Table,
  clock: TableClock,
  chunks: readonly Chunk[],
  settings: ExportSettings,
): Promise<{steps: Step[]; notes: string[]}> {
  const bytes = await bytesOf(db, chunks)
  const subjects = chunks.map((chunk) => ({...chunkSubject(table, clock, chunk), bytes: bytes.get(chunk) ?? null}))
  return planExports(db, settings, subjects, 'chunk')
}

/** A chunk as a subject of an export. */
export function chunkSubject(table: Table, clock: TableClock, chunk: Chunk): Subject {
  const point = (value: bigint | null) =>
    value === null || value <= lowest || value >= highest ? null : String(formatInteger(value, table, clock))
  return {
    relation: chunkName(chunk),
    of: qualifiedName(table),
    from: point(chunk.start),
    to: point(chunk.end),
  }
}

/** The id of the step that exports a chunk. */
export function chunkExportId(chunk: Chunk): string {
  return exportStepId({relation: chunkName(chunk)})
}
