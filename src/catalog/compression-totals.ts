import type {Table} from './table.js'

/** Sums of the sizes recorded at compression, in bytes; null if no chunk has them. */
export interface CompressionTotals {
  beforeBytes: number | null
  afterBytes: number | null
  ratio: number | null
  savedPercent: number | null
}

/** Sums of the sizes recorded at compression, over the chunks that have them. */
export function compressionOf({chunks}: Pick<Table, 'chunks'>): CompressionTotals {
  let before = 0
  let after = 0
  for (const {beforeBytes, afterBytes} of chunks) {
    if (beforeBytes === null || afterBytes === null) continue
    before += beforeBytes
    after += afterBytes
  }
  if (before === 0 || after === 0) return {beforeBytes: null, afterBytes: null, ratio: null, savedPercent: null}
  return {
    beforeBytes: before,
    afterBytes: after,
    ratio: before / after,
    savedPercent: (100 * (before - after)) / before,
  }
}
