import {formatQualifiedName} from '../../db/qualified-name.js'
import {ago} from '../../catalog/ages.js'
import {microsIn} from '../../catalog/table-clock.js'
import {qualifiedName} from '../../catalog/table.js'
import {instantOf} from '../../catalog/time.js'
import type {Instant} from '../../units/instant.js'
import {retentionOf} from '../checks/facts.js'
import {chunksBefore} from '../reach.js'
import {project} from './project.js'
import type {PolicyPlan} from './plan.js'

/** The cutoff of a retention, and the chunks before it, at the time of the plan. */
export interface CutoffSnapshot {
  key: string
  /** What a drop of the table takes. */
  unit: 'chunk' | 'partition'
  /** The absolute cutoff; null if the unit of an integer is not known. */
  cutoff: Instant | null
  chunks: string[]
}

/** The cutoffs of a plan's retentions and the chunks before them. */
export function cutoffSnapshotOf({
  changes,
  state: {snapshot, states},
}: Pick<PolicyPlan, 'changes' | 'state'>): CutoffSnapshot[] {
  return changes.flatMap((change) => {
    if (change.do !== 'gated retention' && change.do !== 'native retention') return []
    const table = snapshot.all.find((candidate) => qualifiedName(candidate) === change.key)!
    const clock = snapshot.clocks.get(table)
    const rule = retentionOf({state: project(states.get(table)!, [change])})
    const named = {key: change.key, unit: table.kind === 'partitioned' ? ('partition' as const) : ('chunk' as const)}
    if (rule === null || clock?.now == null) return [{...named, cutoff: null, chunks: []}]
    const cutoff = ago(clock, rule.after)
    if (cutoff === null) return [{...named, cutoff: null, chunks: []}]
    const micros = microsIn(cutoff, table, clock)
    return [
      {
        ...named,
        cutoff: micros === null ? null : instantOf(micros),
        chunks: chunksBefore(table, cutoff).map(({schema, name}) => formatQualifiedName(schema, name)),
      },
    ]
  })
}
