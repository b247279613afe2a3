import type {Duration} from '../units/duration.js'
import type {LivePolicy, Offset, PolicyKindName} from '../catalog/live-policies.js'
import type {Table} from '../catalog/table.js'
import type {Scale} from '../catalog/offset-words.js'
import type {UnitContradiction} from '../catalog/table-clock.js'

/** A table with everything that is set for it: what a declaration is compared with. */
export interface TableState {
  key: string
  kind: Table['kind']
  /** TimescaleDB's: a hypertable or a continuous aggregate. */
  native: boolean
  scale: Scale
  /** Why the declared unit is not that of its integers; then `scale` is unknown. */
  contradiction?: UnitContradiction | undefined
  /** How the unit is set in the configuration, where integers are declared. */
  timeUnitAdvice: string
  columns: readonly string[]
  /** Names of its indexes. */
  indexes?: readonly string[]
  timeColumn: string | null
  /** For chunks to come, on the table's scale; null where there are no chunks. */
  chunkInterval: bigint | null
  /** Null: not enabled. */
  compression: CompressionSettings | null
  policies: readonly LiveRule[]
}

export interface CompressionSettings {
  segmentBy: readonly string[] | null
  /** `time desc`, with `nulls first` or `last` where that is not the default. */
  orderBy: readonly string[] | null
}

/** One policy as it stands, in terms that compare. */
export interface LiveRule {
  kind: PolicyKindName
  /** TimescaleDB's own policy, or a row of qicore.policies that jobs of ours enforce. */
  by: 'timescaledb' | 'qicore'
  /** The job of TimescaleDB's scheduler that carries it out; null: there is none. */
  job: {id: number; scheduled: boolean} | null
  after: Offset | null
  createdBefore: Duration | null
  startOffset: Offset | null
  endOffset: Offset | null
  schedule: Duration | null
  /** Of a gated retention. */
  gate: Gate | null
  /** What the job of TimescaleDB holds for its kind beside these; absent where there is no job. */
  config?: Readonly<Record<string, unknown>>
}

export interface Gate {
  maxDropPerRun: number | null
  timeUnit: string | null
  /** It is as it was agreed to. */
  consentValid: boolean
  /** The hash that its job was made with is that of the row. */
  jobConsentMatches: boolean
  /** Jobs beside the one: none of them is needed. */
  duplicateJobs: readonly number[]
}

/** The rule of a policy as TimescaleDB or we have it. */
export function liveRule(policy: LivePolicy, gate: Gate | null, gatedJob: LiveRule['job']): LiveRule {
  const {kind, job, after, createdBefore, startOffset, endOffset, schedule} = policy
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
    ...(job === null ? {} : {config: readConfig(policy.config)}),
  }
}

export function rulesOf(state: TableState, kind: PolicyKindName): LiveRule[] {
  return state.policies.filter((policy) => policy.kind === kind)
}

/** The JSON object of a job or a row; empty where it is none. */
export function readConfig(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
