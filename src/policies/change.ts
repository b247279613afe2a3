import type {Duration} from '../units/duration.js'
import type {Offset} from '../catalog/live-policies.js'
import type {CompressionSettings} from './table-state.js'
import type {PolicyKind} from './declared.js'
import type {TimeUnit} from '../catalog/time.js'

/** One thing that stands otherwise than it was declared; pure data, worked out without a server. */
export type Change = Settings | ChunkInterval | Compression | Refresh | GatedRetention | NativeRetention | Removal

interface Common {
  /** The table or aggregate. */
  key: string
  /** What differs, for people: `after: 30 days, was 7 days`. */
  why: readonly string[]
}

/** How chunks are compressed from now on; enables compression where it is not. */
export interface Settings extends Common {
  do: 'settings'
  settings: CompressionSettings
  /** Null: not enabled until now. */
  before: CompressionSettings | null
}

export interface ChunkInterval extends Common {
  do: 'chunk interval'
  from: bigint | null
  to: bigint
}

/** @see Common `job` null: the policy is added, else that one is altered in place. */
export interface Compression extends Common {
  do: 'compression'
  after: Offset
  job: number | null
}

export interface Refresh extends Common {
  do: 'refresh'
  /** Where TimescaleDB has no policies: a row of qicore.policies. */
  by: 'timescaledb' | 'qicore'
  startOffset: Offset
  endOffset: Offset
  every: Duration
  job: number | null
  /** A row of ours that TimescaleDB's own policy replaces. */
  dropsRow: boolean
}

export interface GatedRetention extends Common {
  do: 'gated retention'
  after: Duration
  timeUnit: TimeUnit | null
  maxDropPerRun: number
  /** Whether TimescaleDB's scheduler runs it; else a job of ours or pg_cron. */
  scheduler: boolean
  job: number | null
  /** Jobs that do the same once more, and TimescaleDB's own policy, which it takes the place of. */
  removes: {jobs: readonly number[]; native: boolean}
}

export interface NativeRetention extends Common {
  do: 'native retention'
  after: Offset
  job: number | null
  /** The gated one that it takes the place of. */
  removes: {jobs: readonly number[]; row: boolean}
}

export interface Removal extends Common {
  do: 'remove'
  kind: PolicyKind
  /** TimescaleDB's own policies. */
  native: readonly number[]
  /** Jobs that call qicore.retain. */
  jobs: readonly number[]
  row: boolean
}

/** The kind of policy that a change is about. */
export function kindOf(change: Change): PolicyKind | 'chunk interval' {
  switch (change.do) {
    case 'settings':
    case 'compression':
      return 'compression'
    case 'gated retention':
    case 'native retention':
      return 'retention'
    case 'remove':
      return change.kind
    default:
      return change.do
  }
}
