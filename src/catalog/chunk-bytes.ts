import type {Database} from '../db/database.js'
import {readDistributedSizes, type DistributedSizes, type MeasuredTable, type UnansweredNode} from './citus-sizes.js'
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
  /** The measured part of a chunk of which `of` is null: shards on nodes that answered. */
  partOf(chunk: Chunk): number | null
  /** An estimate; null if it is not known. */
  rowsOf(chunk: Chunk): number | null
  basis(table: Table): SizeBasis
  locked: ReadonlySet<number>
  /** Where Citus keeps the rows of a table; null for a table that it does not distribute. */
  shardsOf(table: Table): {shards: number; nodes: number} | null
  /** Chunks of which a node that did not answer, or a move between nodes, hides a shard. */
  incomplete: ReadonlySet<number>
  unanswered: readonly UnansweredNode[]
}

/** @param fast use the estimates in the catalog instead of the sizes of the files */
export async function readChunkBytes(
  db: Database,
  tables: readonly Table[],
  fast: boolean,
  indexes = false,
): Promise<ChunkBytes> {
  const relations = tables.flatMap(({relation, chunks}) => [relation, ...chunks.flatMap(relationsOf)])
  const distributed = await readDistributedSizes(db)
  const here = relations.filter((relation) => !distributed.byRelation.has(relation))
  const local = fast ? estimated(await estimateSizes(db, here)) : exact(await measureSizes(db, here, indexes))
  return distributed.byRelation.size === 0 ? local : withDistributed(local, distributed)
}

/** What is measured on the nodes of Citus takes the place of the empty relations here. It is never an estimate. */
function withDistributed(local: ChunkBytes, {byRelation, unanswered}: DistributedSizes): ChunkBytes {
  const missing = (reasons: readonly MeasuredTable['missing'][]) =>
    [...byRelation.values()].filter((table) => reasons.includes(table.missing)).map(({relation}) => relation)
  const at = ({relation}: {relation: number}) => byRelation.get(relation)
  const pick = <Value>(
    chunk: Chunk,
    distributed: (table: MeasuredTable) => Value,
    here: (chunk: Chunk) => Value,
  ): Value => {
    const table = at(chunk)
    return table === undefined ? here(chunk) : distributed(table)
  }
  return {
    of: (chunk) => pick(chunk, ({bytes}) => bytes, local.of),
    ofRoot: (table) => (at(table) === undefined ? local.ofRoot(table) : at(table)!.bytes),
    ofPlainPart: (chunk) => pick(chunk, ({bytes}) => bytes, local.ofPlainPart),
    ofIndexes: (chunk) => pick(chunk, ({indexBytes}) => indexBytes, local.ofIndexes),
    partOf: (chunk) => pick(chunk, ({measuredBytes}) => measuredBytes, local.partOf),
    rowsOf: (chunk) => pick(chunk, ({rows}) => rows, local.rowsOf),
    basis: (table) => {
      if (at(table) === undefined) return local.basis(table)
      return [table, ...table.chunks].some((part) => (at(part)?.missing ?? null) !== null) ? 'mixed' : 'exact'
    },
    locked: new Set([...local.locked, ...missing(['locked'])]),
    shardsOf: (table) => at(table) ?? null,
    incomplete: new Set(missing(['unanswered', 'moved'])),
    unanswered,
  }
}

const onOneServer: Pick<ChunkBytes, 'partOf' | 'rowsOf' | 'shardsOf' | 'incomplete' | 'unanswered'> = {
  partOf: () => null,
  rowsOf: ({estimatedRows}) => estimatedRows,
  shardsOf: () => null,
  incomplete: new Set(),
  unanswered: [],
}

function relationsOf({relation, compressed, tiered}: Chunk): number[] {
  if (tiered) return []
  return compressed === null ? [relation] : [relation, compressed]
}

function exact({bytes, indexBytes, locked}: Awaited<ReturnType<typeof measureSizes>>): ChunkBytes {
  const isLocked = (chunk: Chunk) => relationsOf(chunk).some((relation) => locked.has(relation))
  // Neither measured nor locked: it was dropped in the meantime and has no bytes.
  const one = (relation: number) => (locked.has(relation) ? null : (bytes.get(relation) ?? 0))
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
    basis: ({relation, chunks}) => (locked.has(relation) || chunks.some(isLocked) ? 'mixed' : 'exact'),
    locked,
    ...onOneServer,
  }
}

function estimated(estimates: Map<number, Estimate>): ChunkBytes {
  const plain = (chunk: Chunk): number | null => {
    const estimate = estimates.get(chunk.relation)
    if (chunk.tiered || estimate === undefined) return null
    // Compression empties the heap, but the catalog still has the pages that the last VACUUM counted.
    if (isCompressed(chunk) && !chunk.columnar) return estimate.other
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
    ...onOneServer,
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
