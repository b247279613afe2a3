import type {Step} from '../run/step.js'
import {catchUp, towardsCopy} from './changes.js'
import {swapStep, validateReferences} from './swap.js'
import {compareStep} from './fill.js'
import {recordNewTable} from './finish-set.js'
import {hasTimeIndex} from './key.js'
import type {AdoptPeriod} from './periods.js'
import type {Adoption} from './request.js'

/** What differs between a set and a hypertable. */
export interface NewTable {
  /** Creates the empty table; no step if it was begun. */
  create: readonly Step[]
  /** Records changes of the old table and copies its rows. */
  copy: readonly Step[]
  /** Indexes, settings and replica identity, when all rows are copied. */
  complete: readonly Step[]
  foreignKeys: readonly Step[]
  /** Ranges that follow each other and hold all rows, oldest first. */
  compared: readonly AdoptPeriod[]
  /** Whether its triggers can fire for changes of logical replication too. */
  recordsReplicated: boolean
}

/**
 * The order of an adoption, whatever the table becomes: recorded changes are applied before the comparison, so that it
 * leaves few rows out, and before the swap, so that few are left for the time of its lock. The triggers of the new
 * table come after the last rows that are copied to it without them.
 */
export function chainOf(
  adoption: Adoption,
  {create, copy, complete, foreignKeys, compared, ...more}: NewTable,
): Step[] {
  const {staging, found} = adoption
  const {inventory, fingerprint} = found
  const direction = towardsCopy(inventory, staging)
  return [
    ...create,
    ...copy,
    ...complete,
    catchUp(inventory, staging, direction, 'before the comparison'),
    ...comparisons(adoption, compared),
    ...foreignKeys,
    recordNewTable(inventory, staging, more.recordsReplicated),
    catchUp(inventory, staging, direction, 'before the swap'),
    swapStep(inventory, staging, fingerprint),
    ...validateReferences(inventory, inventory.oid),
  ]
}

/** One step a range where an index or a partition finds its rows, else one for all, which reads the table once. */
function comparisons({source, staging, state, found, column}: Adoption, ranges: readonly AdoptPeriod[]): Step[] {
  const {inventory} = found
  const open = ranges.filter(({lower}) => !(state?.verified ?? []).includes(lower))
  if (open.length === 0) return []
  return source.kind === 'partitioned' || hasTimeIndex(inventory, column)
    ? open.map((range) => compareStep(inventory, staging, [range]))
    : [compareStep(inventory, staging, ranges)]
}
