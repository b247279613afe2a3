import type {DoctorReport} from '../doctor/report.js'
import type {ErrorDocument} from '../errors.js'
import type {PolicyStatusReport} from '../policies/status/types.js'
import type {ChunksReport} from '../reports/chunks.js'
import type {CompressionReport} from '../reports/compression.js'
import type {GrowthReport} from '../reports/growth-report.js'
import type {ChangesReport} from '../reports/history.js'
import type {QueriesReport} from '../reports/queries.js'
import type {StatsReport} from '../reports/stats.js'
import type {Instant} from '../units/instant.js'
import type {JobCalendar} from './job-calendar.js'

/** The document of one report, or why there is none. Exactly one of the two is null. */
export interface Part<Report> {
  report: Report | null
  error: ErrorDocument | null
}

/** Everything that the page shows: the documents of the reports, unchanged. */
export interface ReportDocument {
  kind: 'report'
  version: 1
  target: string | null
  at: Instant
  /** The version of this program. */
  program: string
  stats: Part<StatsReport>
  compression: Part<CompressionReport>
  chunks: Part<ChunksReport>
  policies: Part<PolicyStatusReport>
  doctor: Part<DoctorReport>
  growth: Part<GrowthReport>
  jobs: Part<JobCalendar>
  history: Part<ChangesReport>
  queries: Part<QueriesReport>
}
