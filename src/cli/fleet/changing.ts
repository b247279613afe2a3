import type {TargetConfig} from '../../config/target-settings.js'
import type {ConditionCode} from '../../db/condition.js'
import type {Database} from '../../db/database.js'
import type {ExitCode} from '../../errors.js'
import type {LockWait} from '../../run/lock-wait.js'
import type {Plan} from '../../run/step.js'
import type {ChangeMode, ChangeReport, RunOptions} from '../change.js'

/** The report of a change of one database, and the exit code; undefined: by the condition of the database. */
export interface ChangeResult<Report> {
  report: Report
  exitCode: ExitCode | undefined
}

export interface ChangeContext {
  config: TargetConfig | null
  /** One of many databases, on which only safe changes are made. */
  many: boolean
  mode: ChangeMode
  /** @param otherwise milliseconds to wait for another run's lock without --wait */
  lockWait(otherwise: number): Promise<LockWait>
  /** The last part of most changes: shows or runs the plan. */
  change(plan: Plan, options?: RunOptions): Promise<{report: ChangeReport; exitCode: ExitCode}>
}

export type ChangeWork<Report> = (db: Database, context: ChangeContext) => Promise<ChangeResult<Report>>

/**
 * How a command changes a database: the same for one database and for many. May run for many databases at the same
 * time, so it keeps no state and sets no exit code.
 */
export interface Changing<Report> {
  /** Connects as for a change: refused on a replica, with the role for changes. */
  changes: boolean
  /** The condition of a database that these changes end. */
  repairs?: ConditionCode
  /** The result depends on row contents. */
  rows?: boolean
  /** Create the directory of an embedded database that does not exist. */
  create?: boolean
  /**
   * Called before a database is connected. @throws OpsError if the configuration does not have what the command needs
   */
  prepare(config: TargetConfig | null): ChangeWork<Report>
}
