import {createHash} from 'node:crypto'

/**
 * The schemas of one adoption. The new set is built under its final name in `schema`, and the old table is kept under
 * its name in `oldSchema`, so that indexes, constraints and sequences keep their names too: the swap only moves tables
 * between schemas.
 */
export interface Staging {
  /** The new set before the swap, the state, the log of changes and the functions of its triggers. */
  schema: string
  /** The old table after the swap. */
  oldSchema: string
}

/** @param relation qualified name of the table that is adopted */
export function stagingOf(relation: string): Staging {
  const hash = createHash('sha256').update(relation).digest('hex').slice(0, 10)
  return {schema: `qicore_adopt_${hash}`, oldSchema: `qicore_adopted_${hash}`}
}

/** Set by statements that copy rows between the two tables: the triggers of the adoption then record nothing. */
export const copyingSetting = 'qicore.adopt_copying'

/** The triggers that record changes, on both tables. */
export const changeTrigger = 'zz_qicore_adopt_change'
export const truncateTrigger = 'zz_qicore_adopt_truncate'

/** The functions of an adoption, in an order in which they can be dropped. */
export const functionSignatures = [
  'record_change()',
  'record_truncate()',
  'compare_rows(text[], text)',
  'note_partitions()',
  'copy_rows(bigint, bigint)',
  'copy_range(text, text)',
  'apply_changes(regclass, regclass, bigint)',
  'unique_conflicts(regclass, regclass)',
] as const
