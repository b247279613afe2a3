import type {PolicyKindName} from '../../catalog/live-policies.js'
import {kindOfChange, type OwnChange} from '../kinds/index.js'
import type {ChangeBase} from '../kinds/kind.js'

/** One difference between the live and the declared state. Plain data, computed without a server. */
export type Change = OwnChange | ChunkInterval | Removal

export interface ChunkInterval extends ChangeBase {
  do: 'chunk interval'
  from: bigint | null
  to: bigint
}

export interface Removal extends ChangeBase {
  do: 'remove'
  kind: PolicyKindName
  /** Jobs of TimescaleDB's policies. */
  native: readonly number[]
  /** Jobs that call qicore.retain. */
  jobs: readonly number[]
  row: boolean
}

/** The kind of policy that a change is about. */
export function kindOf(change: Change): PolicyKindName | 'chunk interval' {
  if (change.do === 'remove') return change.kind
  return kindOfChange(change)?.name ?? 'chunk interval'
}
