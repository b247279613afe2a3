import type {TargetConfig} from '../../config/target-settings.js'
import type {Database} from '../../db/database.js'
import type {Server} from '../../db/server.js'
import type {ExitCode} from '../../errors.js'
import type {Limits} from '../../run/limits.js'
import type {ReportTable, TableContext} from '../../units/report-table.js'
import type {Around} from '../render/shown.js'

/** What the configuration says about the database that is read. */
export interface ReadSettings {
  /** With the settings of its target; null without a configuration. */
  config: TargetConfig | null
  /** @throws OpsError for an invalid environment variable */
  limits(): Limits
  /** Aborted when the time of the target is over; then the session ends a second later. */
  stop?: AbortSignal
}

/**
 * Shows the rows of a report.
 * @returns the rows of the JSON document: in the order of --sort, at most as many as --limit
 */
export type Show = <Row, Context extends TableContext>(
  table: ReportTable<Row, Context>,
  context: Context,
  rows: readonly Row[],
  around: () => Promise<Around<Row>>,
) => Promise<Row[]>

export interface ShowContext {
  server: Server
  /** Prints a line on stderr; does nothing if many targets are read. */
  report(line: string): void
}

/**
 * How a command reads its report from a database, and shows it: the same for one database and for many. May run for
 * many databases at the same time, so it keeps no state and sets no exit code.
 */
export interface Reading<Read, Report> {
  /** The result depends on row contents: refused if not all rows are readable. */
  rows?: boolean
  /**
   * For many databases: also report, once for each server, whether it has enough background workers for all of them.
   */
  workers?: boolean
  read(db: Database, settings: ReadSettings): Promise<Read>
  /** Undefined: the exit code by the condition of the database. */
  exitCode?(read: Read): ExitCode | undefined
  /** @returns the JSON document */
  show(read: Read, show: Show, context: ShowContext): Promise<Report>
}
