import type {ChunkBytes} from './chunk-bytes.js'
import type {Table} from './table.js'

/** Live bytes of a table, null if none are known, and the number of chunks that were not measured. */
export function totalOf(table: Table, bytes: ChunkBytes): {total: number | null; skipped: number} {
  const root = bytes.ofRoot(table)
  let total = root ?? 0
  let skipped = 0
  let measured = 0
  for (const chunk of table.chunks) {
    if (chunk.tiered) continue
    const size = bytes.of(chunk)
    if (size === null) skipped += 1
    const known = size ?? bytes.partOf(chunk)
    if (known === null || (size === null && known === 0)) continue
    total += known
    measured += 1
  }
  const nothing = measured === 0 && (skipped > 0 || root === null)
  return {total: nothing ? null : total, skipped}
}
