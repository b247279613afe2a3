import type {Database} from '../db/database.js'
import {prepared} from '../db/load-sql.js'
import {timescaledbFunction, type Server} from '../db/server.js'
import {literal, sql} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {TableClock} from '../catalog/table-clock.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import {has, qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {formatBytes} from '../units/bytes.js'
import type {Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {overlaps, spanOf, spanWords, type Span} from '../catalog/span.js'
import {planConvert} from '../partitions/convert.js'
import {compressedAgain} from './policy-conflicts.js'
import {
  bytesOf,
  chunkLabel,
  chunkName,
  countPartitions,
  excludeProtected,
  isColumnarSet,
  formatChunkNames,
  oldestFirst,
  requireCompression,
  countChunks,
  type PlannedChange,
} from './hypertable.js'
import {readersInWords, readLogicalReaders, type LogicalReaders} from './logical-readers.js'

export interface DecompressRequest {
  table: Table
  clock: TableClock
  at: Instant
  span: Span
  policies: readonly LivePolicy[]
  declared: Duration | null
}

/**
 * Plans the decompression of every chunk that overlaps a range. One transaction a chunk.
 * @throws OpsError NO_COMPRESSION, NOT_A_HYPERTABLE, NO_PRIVILEGE
 */
export async function planDecompress(db: Database, request: DecompressRequest): Promise<PlannedChange> {
  const {table, span} = request
  if (isColumnarSet(db, table)) return planHeap(db, request)
  await requireCompression(db, table)
  const {rest, notes} = excludeProtected(
    table.chunks.filter((chunk) => has(chunk.status, 'compressed') && overlaps(spanOf(chunk), span)),
  )
  const todo = oldestFirst(rest)
  const bytes = await bytesOf(db, todo)
  return {
    plan: {
      operation: `chunks decompress ${qualifiedName(table)}`,
      summary: `decompress ${countChunks(todo.length)} of ${qualifiedName(table)}, ${spanWords(span, table.time)}`,
      cutoff: null,
      tables: [qualifiedName(table)],
      locks: [],
      steps: todo.map((chunk) => decompressStep(db.server, chunk, chunk.beforeBytes ?? bytes.get(chunk) ?? null)),
    },
    notes: [
      ...notes,
      ...growth(todo),
      ...sentNotes(await readLogicalReaders(db, table, table.chunks), todo),
      ...compressedAgain(request, todo, db.server),
    ],
  }
}

/** Plans the conversion of columnar partitions to ordinary ones. */
async function planHeap(db: Database, request: DecompressRequest): Promise<PlannedChange> {
  const {table, span} = request
  const todo = oldestFirst(table.chunks.filter((chunk) => chunk.columnar && overlaps(spanOf(chunk), span)))
  const key = qualifiedName(table)
  const partitions = todo.map(chunkName)
  const {steps, notes} = await planConvert(db, {relation: key, partitions, to: 'heap', order: []})
  return {
    plan: {
      operation: `chunks decompress ${key}`,
      summary: `convert ${countPartitions(steps)} of ${key} to heap, ${spanWords(span, table.time)}`,
      cutoff: null,
      tables: [key],
      locks: [],
      steps,
    },
    notes: [...notes, ...growth(todo), ...compressedAgain(request, todo, db.server)],
  }
}

/** Decompression inserts every row again, so subscribers get INSERTs. */
function sentNotes(readers: LogicalReaders, chunks: readonly Chunk[]): string[] {
  const sent = chunks.filter(({relation}) => readers.decodesAll.length > 0 || readers.published.has(relation))
  return sent.length === 0
    ? []
    : [
        `${readersInWords(readers, sent)} sends every row of ${formatChunkNames(sent)} to its subscribers as an ` +
          'INSERT, including rows that they already have.',
      ]
}

/** How much more space the chunks will take, if their sizes were recorded at compression. */
function growth(chunks: readonly Chunk[]): string[] {
  const grown = chunks.reduce((sum, {beforeBytes, afterBytes}) => sum + (beforeBytes ?? 0) - (afterBytes ?? 0), 0)
  return grown > 0 ? [`Decompressing takes about ${formatBytes(grown)} more disk space.`] : []
}

function decompressStep(server: Server, chunk: Chunk, bytes: number | null): Step {
  const name = chunkName(chunk)
  return {
    id: `decompress ${chunkLabel(chunk)}`,
    kind: 'decompress',
    object: name,
    statements: [sql`select ${timescaledbFunction(server, 'decompress_chunk')}(${literal(name)}::regclass)`],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: prepared('chunks/decompressed', [name]),
    repeatable: true,
    dependsOn: [],
    relations: [name],
    bytes,
  }
}
