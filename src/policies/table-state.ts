import type {Duration} from '../units/duration.js'
import type {LivePolicy, Offset, PolicyKindName, RowOrder} from '../catalog/live-policies.js'
import type {Table} from '../catalog/table.js'
import type {Scale} from '../catalog/offset-words.js'
import type {ExportSettings} from '../export/settings.js'
import type {Stages} from '../partitions/retain/stages.js'
import type {UnitContradiction} from '../catalog/table-clock.js'

/** The live settings and policies of a table, with which a declaration is compared. */
export interface TableState {
  key: string
  kind: Table['kind']
  /** A hypertable or continuous aggregate of TimescaleDB. */
  native: boolean
  scale: Scale
  /** Set if the declared unit cannot be that of its integers; then `scale` is unknown. */
  contradiction?: UnitContradiction | undefined
  /** How to set the unit of integer time in the configuration. */
  timeUnitAdvice: string
  columns: readonly string[]
  /** Names of its indexes. */
  indexes?: readonly string[]
  timeColumn: string | null
  /** Interval of new chunks, on the table's scale; null if the table has no chunks. */
  chunkInterval: bigint | null
  /** Null if compression is not enabled; of a partition set, if it has no compression policy. */
  compression: CompressionSettings | null
  policies: readonly LiveRule[]
}

/** In `orderBy`, `nulls first` and `nulls last` are written only if they are not the default. */
export type CompressionSettings = RowOrder

/** One live policy, in a form that can be compared. */
export interface LiveRule {
  kind: PolicyKindName
  /** A policy of TimescaleDB, or a row of qicore.policies. */
  by: 'timescaledb' | 'qicore'
  /** The job of TimescaleDB's scheduler that runs it; null if there is none. */
  job: {id: number; scheduled: boolean} | null
  after: Offset | null
  createdBefore: Duration | null
  startOffset: Offset | null
  endOffset: Offset | null
  schedule: Duration | null
  /** See {@link LivePolicy}. */
  allowUpdates?: boolean
  /** Set for a gated retention. */
  gate: Gate | null
  /** The whole config of a TimescaleDB job; absent if there is no job. */
  config?: Readonly<Record<string, unknown>>
}

export interface Gate {
  maxDropPerRun: number | null
  timeUnit: string | null
  /** What happens to a partition instead of its drop; absent or null without stages. */
  stages?: Stages | null
  /** Where a chunk is exported to before it is dropped; absent or null: nowhere. */
  exportTo?: ExportSettings | null
  /** The policy has not changed since it was confirmed. */
  consentValid: boolean
  /** The job was created with the hash of the row. */
  jobConsentMatches: boolean
  /** Further jobs for the same retention; they are not needed. */
  duplicateJobs: readonly number[]
}

/** The id of a job that a plan would create. */
const noIdYet = -1

/** The job of a planned rule. @param id of the job that it keeps; null if the plan would create one */
export function plannedJob(id: number | null): NonNullable<LiveRule['job']> {
  return {id: id ?? noIdYet, scheduled: true}
}

/** Whether the job is one that a plan would create. */
export function isPlanned(job: LiveRule['job']): boolean {
  return job?.id === noIdYet
}

/** The rule of a live policy. */
export function liveRule(policy: LivePolicy, gate: Gate | null, gatedJob: LiveRule['job']): LiveRule {
  const {kind, job, after, createdBefore, startOffset, endOffset, schedule, allowUpdates} = policy
  return {
    kind,
    by: job === null ? 'qicore' : 'timescaledb',
    job: job === null ? gatedJob : {id: job.id, scheduled: job.scheduled},
    after,
    createdBefore,
    startOffset,
    endOffset,
    schedule,
    gate,
    ...(allowUpdates === undefined ? {} : {allowUpdates}),
    ...(job === null ? {} : {config: readConfig(policy.config)}),
  }
}

export function rulesOf(state: TableState, kind: PolicyKindName): LiveRule[] {
  return state.policies.filter((policy) => policy.kind === kind)
}

/** Parses the config of a job or a row; empty if it is not a JSON object. */
export function readConfig(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
