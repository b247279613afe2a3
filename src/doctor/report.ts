import type {ReportHead} from '../catalog/snapshot.js'
import type {FailOn} from '../units/fail-on.js'
import type {ConditionCode} from '../db/condition.js'
import type {Server} from '../db/server.js'
import type {Group} from './check.js'
import type {CheckStatus, Finding, Fix} from './finding.js'

/** What one check found. */
export interface CheckReport {
  id: string
  group: Group
  status: CheckStatus
  /** What is true if it passed, what is wrong if it did not. */
  title: string
  /** Critical ones first; empty unless the status is warning or critical. */
  findings: Finding[]
  /** What could not be read; null unless the status is unknown. */
  missing: string | null
  /** What makes it readable; null if nothing is missing, or if no statement helps. */
  missingFix: Fix | null
}

export interface DoctorReport extends ReportHead<'doctor'> {
  server: Pick<Server, 'postgres' | 'timescaledb' | 'edition' | 'inRecovery' | 'workers'> & {condition: ConditionCode[]}
  /** Worst first, in the order of the registry within one status. */
  checks: CheckReport[]
  counts: Record<CheckStatus, number>
}

const order: readonly CheckStatus[] = ['critical', 'warning', 'unknown', 'passed']

export function bySeverity<T extends {status: CheckStatus}>(checks: readonly T[]): T[] {
  return order.flatMap((status) => checks.filter((check) => check.status === status))
}

/** Whether the report counts as a finding for the exit code. `unknown` is the strictest, `never` the mildest. */
export function fails({counts}: Pick<DoctorReport, 'counts'>, failOn: FailOn): boolean {
  if (failOn === 'never') return false
  return order.slice(0, order.indexOf(failOn) + 1).some((status) => counts[status] > 0)
}
