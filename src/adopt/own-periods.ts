import type {TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {readChildren} from '../partitions/children.js'
import {everyOfDays} from '../partitions/create/create.js'
import {readSets, type PartitionSet} from '../partitions/sets.js'
import type {Every} from '../units/period.js'

/** The sets that carry the time of a partitioned table: itself, or those below it. */
export async function setsOf(db: Database, relation: string, key: TimeKey): Promise<PartitionSet[]> {
  const declared = {
    relation,
    every: 'month' as const,
    ahead: 0,
    timezone: 'UTC',
    earliest: '0001-01-01T00:00:00Z',
    within: {months: 0, days: 0, seconds: 0},
    retention: null,
    timeUnit: key.kind === 'integer' ? key.unit : null,
    keyFormat: key.kind === 'ulid' ? ('ulid' as const) : null,
  }
  const sets = await readSets(db, [relation], [declared])
  return sets.filter(({unfit}) => unfit === null)
}

/** The length of the newest partition of a set; null if it is not a period. */
export async function ownPeriod(db: Database, relation: string, key: TimeKey): Promise<Every | null> {
  const children = await readChildren(db, await setsOf(db, relation, key), false)
  const days = children
    .map(({fromEpoch, toEpoch}) => ((toEpoch ?? Number.NaN) - (fromEpoch ?? Number.NaN)) / 86_400)
    .filter(Number.isFinite)
  return days.length === 0 ? null : everyOfDays(days.at(-1)!)
}
