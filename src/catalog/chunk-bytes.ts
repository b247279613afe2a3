import type {Database} from '../db/database.js'
import {estimateSizes, measureSizes, type Estimate} from './sizes.js'
import {has, isCompressed, type Chunk, type Table} from './table.js'

export type SizeBasis = 'exact' | 'estimated' | 'mixed'

/** The sizes of some tables and their chunks, in bytes. */
export interface ChunkBytes {
  /** Live bytes with indexes and TOAST, compressed part included; null if it was not measured. */
  of(chunk: Chunk): number | null
  /**
   * The relation of the table itself; that of a hypertable has no rows but has indexes. Null if it was not measured.
   */
  ofRoot(table: Table): number | null
  /** The uncompressed part alone. */
  ofPlainPart(chunk: Chunk): number | null
  ofIndexes(chunk: Chunk): number | null
  basis(table: Table): SizeBasis
  locked: ReadonlySet<number>
  /** Relations that Citus distributes: their sizes are not known. The headline of a report says so. */
  remote: ReadonlySet<number>
}

/** @param fast use the estimates in the catalog instead of the sizes of the files */
export async function readChunkBytes(
  db: Database,
  tables: readonly Table[],
  fast: boolean,
  indexes = false,
): Promise<ChunkBytes> {
  const relations = tables.flatMap(({relation, chunks}) => [relation, ...chunks.flatMap(relationsOf)])
  return fast ? estimated(await estimateSizes(db, relations)) : exact(await measureSizes(db, relations, indexes))
}

function relationsOf({relation, compressed, tiered}: Chunk): number[] {
  if (tiered) return []
  return compressed === null ? [relation] : [relation, compressed]
}

function exact({bytes, indexBytes, locked, remote}: Awaited<ReturnType<typeof measureSizes>>): ChunkBytes {
  const isLocked = (chunk: Chunk) => relationsOf(chunk).some((relation) => locked.has(relation) || remote.has(relation))
  // Neither measured nor locked: it was dropped in the meantime and has no bytes.
  const one = (relation: number) => (locked.has(relation) || remote.has(relation) ? null : (bytes.get(relation) ?? 0))
  return {
    of: (chunk) =>
      chunk.tiered || isLocked(chunk)
        ? null
        : relationsOf(chunk).reduce((sum, relation) => sum + (bytes.get(relation) ?? 0), 0),
    ofRoot: ({relation}) => one(relation),
    ofPlainPart: (chunk) => (chunk.tiered ? null : one(chunk.relation)),
    ofIndexes: (chunk) =>
      chunk.tiered || isLocked(chunk)
        ? null
        : relationsOf(chunk).reduce((sum, relation) => sum + (indexBytes.get(relation) ?? 0), 0),
    basis: ({relation, chunks}) =>
      locked.has(relation) || remote.has(relation) || chunks.some(isLocked) ? 'mixed' : 'exact',
    locked,
    remote,
  }
}

function estimated(estimates: Map<number, Estimate>): ChunkBytes {
  const plain = (chunk: Chunk): number | null => {
    const estimate = estimates.get(chunk.relation)
    if (chunk.tiered || estimate === undefined) return null
    // Compression empties the heap, but the catalog still has the pages that the last VACUUM counted.
    if (isCompressed(chunk)) return estimate.other
    if (has(chunk.status, 'partial')) return estimate.other + (estimate.analyzed ? estimate.heap : 0)
    return estimate.analyzed ? estimate.heap + estimate.other : null
  }
  const packed = (chunk: Chunk): number | null => {
    if (chunk.compressed === null) return 0
    const entry = estimates.get(chunk.compressed)
    return entry?.analyzed ? entry.heap + entry.other : chunk.afterBytes
  }
  return {
    of(chunk) {
      const parts = [plain(chunk), packed(chunk)] as const
      return parts[0] === null || parts[1] === null ? null : parts[0] + parts[1]
    },
    ofRoot({relation, kind, id}) {
      const item = estimates.get(relation)
      if (item === undefined) return null
      const holdsRows = kind === 'aggregate' && id === null
      return holdsRows && !item.analyzed ? null : item.heap + item.other
    },
    ofPlainPart: plain,
    ofIndexes: (chunk) =>
      chunk.tiered
        ? null
        : relationsOf(chunk).reduce((sum, relation) => sum + (estimates.get(relation)?.indexes ?? 0), 0),
    basis: () => 'estimated',
    locked: new Set(),
    remote: new Set(),
  }
}

/**
 * The uncompressed size of a chunk in bytes: as recorded at compression, plus the rows written since. Null: unknown.
 */
export function writtenBytes(chunk: Chunk, bytes: ChunkBytes): number | null {
  if (!has(chunk.status, 'compressed')) return bytes.of(chunk)
  if (chunk.beforeBytes === null) return null
  const since = isCompressed(chunk) ? 0 : bytes.ofPlainPart(chunk)
  return since === null ? null : chunk.beforeBytes + since
}
