import type {Database} from '../db/database.js'
import type {ExportSettings} from '../export/settings.js'
import {planExports} from '../export/steps.js'
import type {Plan} from '../run/step.js'
import type {Duration} from '../units/duration.js'
import {epochMicros, type Instant} from '../units/instant.js'
import {readChildren, type Child} from './children.js'
import {count} from './detach/detach.js'
import {oldPartitions} from './detach/old-partitions.js'
import type {PartitionRule} from './periods.js'
import {changeableSets} from './sets.js'

export interface ExportRequest {
  relation: string
  /** Partitions that are entirely older than an age, or those that overlap a half-open range. */
  partitions: {olderThan: Duration} | {from: Instant | null; to: Instant | null}
  /** Time zone of keys without a time zone, for ages. */
  timezone: string
  rule: PartitionRule | null
  settings: ExportSettings
}

/** Plans the export of partitions, a file each. Those whose rows a verified export has are left out. */
export async function planExport(db: Database, request: ExportRequest): Promise<{plan: Plan; notes: string[]}> {
  const {relation, settings} = request
  const {children, cutoff} = await choose(db, request)
  const subjects = children.map(({relation: name, parent, from, to, bytes}) => ({
    relation: name,
    of: parent,
    from,
    to,
    bytes,
  }))
  const {steps, notes} = await planExports(db, settings, subjects, 'partition')
  return {
    plan: {
      operation: `partitions export ${relation}`,
      summary: `export ${count(steps.length)} of ${relation} to ${settings.to}`,
      cutoff,
      tables: [relation],
      locks: [],
      steps,
    },
    notes: [...(children.length === 0 ? ['No partition is in that range.'] : []), ...notes],
  }
}

async function choose(
  db: Database,
  {relation, partitions, timezone, rule}: ExportRequest,
): Promise<{children: Child[]; cutoff: Instant | null}> {
  if ('olderThan' in partitions) {
    const found = await oldPartitions(db, {relation, olderThan: partitions.olderThan, timezone, rule})
    return {
      // The last partition is never dropped, but it can be exported.
      children: found.flatMap(({old, kept}) => [...old, ...(kept ? [kept] : [])]),
      cutoff: found[0]?.cutoff ?? null,
    }
  }
  const seconds = (instant: Instant | null, open: number) =>
    instant === null ? open : Number(epochMicros(instant)!) / 1e6
  const [from, to] = [seconds(partitions.from, -Infinity), seconds(partitions.to, Infinity)]
  const all = await readChildren(db, await changeableSets(db, relation, rule), true)
  const inside = ({isDefault, fromEpoch, toEpoch}: Child) =>
    !isDefault && fromEpoch !== null && toEpoch !== null && fromEpoch < to && toEpoch > from
  return {children: all.filter(inside), cutoff: null}
}
