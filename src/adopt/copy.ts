import type {Database} from '../db/database.js'
import type {Step} from '../run/step.js'
import {copyAgain, copySteps, recordChanges} from './fill.js'
import {copySlices, slicesOfHypertable, slicesOfSet} from './slices.js'
import type {Adoption} from './request.js'

/** The steps that record changes of the old table, and copy its rows. */
export async function copyOf(db: Database, {source, staging, found, key, state}: Adoption): Promise<Step[]> {
  const {inventory} = found
  const {blockSize} = source
  const copying = state === null || state.blocks === null ? null : {...state, blocks: state.blocks}
  const record = copying ? [] : [recordChanges(inventory, staging, source.kind !== 'hypertable')]
  if (source.kind !== 'ordinary') {
    const slices =
      source.kind === 'hypertable' ? await slicesOfHypertable(db, inventory, key) : await slicesOfSet(db, source, key)
    return [...record, ...copySlices(inventory, staging, slices, state?.copiedTo ?? null)]
  }
  const blocks = source.blocks ?? 0
  if (copying === null) return [...record, ...copySteps(inventory, staging, {blocks, from: 0, blockSize})]
  if (copying.copied >= Math.max(copying.blocks, 1)) return []
  if (copying.filenode !== source.filenode)
    return [copyAgain(inventory, staging), ...copySteps(inventory, staging, {blocks, from: 0, blockSize})]
  return copySteps(inventory, staging, {blocks: copying.blocks, from: copying.copied, blockSize})
}
