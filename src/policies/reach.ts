import {addInterval} from '../catalog/interval.js'
import {agoFrom} from '../catalog/ages.js'
import type {Offset} from '../catalog/live-policies.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import type {Chunk, Table} from '../catalog/table.js'
import {fromMicros} from '../catalog/time.js'
import {compareAscending} from '../units/compare.js'
import type {Change} from './plan/change.js'
import {isProblem, toOffset} from './offsets.js'

/** Time until the next run: retentions run once a day. */
const nextRun = {months: 0, days: 1, seconds: 0}

/** Whether a retention drops rows now or at its next run; true if that is not known. */
export function retentionReaches(change: Change, table: Table, snapshot: CatalogSnapshot): boolean {
  if (change.do !== 'gated retention' && change.do !== 'native retention') return false
  // Rows leave the table at its detach and are lost at its drop, also those of tables that are detached already.
  if (change.do === 'gated retention' && change.stages) return change.stages.drop !== null
  const age = ageOf(change, table, snapshot)
  if (age === null) return true
  const clock = snapshot.clocks.get(table)
  if (clock?.now == null) return true
  const then =
    clock.unit === null ? addInterval(clock.now, nextRun) : clock.now + fromMicros(86_400_000_000n, clock.unit)
  const cutoff = agoFrom(clock, then, age)
  return cutoff === null || chunksBefore(table, cutoff).length > 0
}

function ageOf(change: Change & {after: Offset}, table: Table, snapshot: CatalogSnapshot): Offset | null {
  if (change.do === 'native retention' || typeof change.after === 'bigint') return change.after
  const unit = snapshot.clocks.get(table)?.unit
  const offset = toOffset(change.after, table.time === 'integer' ? (unit ?? 'unknown') : 'time')
  return isProblem(offset) ? null : offset
}

/** Chunks that end at or before a point, oldest first; without tiered ones. */
export function chunksBefore(table: Table, point: bigint): Chunk[] {
  return table.chunks
    .filter(({end, tiered}) => end !== null && end <= point && !tiered)
    .sort((a, b) => compareAscending(a.end!, b.end!))
}
