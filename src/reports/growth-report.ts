import type {SizeBasis} from '../catalog/chunk-bytes.js'
import type {ReportHead} from '../catalog/snapshot.js'
import type {Table} from '../catalog/table.js'
import type {Day} from '../units/calendar-day.js'
import type {Predicted} from './trend.js'

/** How tables, database and tablespaces grow. */
export interface GrowthReport extends ReportHead<'stats.growth'> {
  /** Largest first. */
  tables: TableGrowth[]
  /** The database, then the tablespaces. */
  storage: StorageGrowth[]
  /** When the disk is full; null if no size of it was given. */
  disk: DiskForecast | null
  /** Values that are not known, and from when on or with which command they will be. */
  notes: string[]
}

/** The growth of one object. Unknown is null. */
export interface Growth {
  /**
   * `snapshots`: net growth, by the recorded sizes. `chunks`: bytes written, before compression and without retention,
   * because less than seven days of sizes are recorded.
   */
  basis: 'snapshots' | 'chunks' | null
  /** Number of days with a known size among the last 90 days. */
  days: number
  /** The first and the last of them. */
  firstDay: Day | null
  lastDay: Day | null
  /** Negative if it shrinks. */
  bytesPerDay: number | null
  bytesPerWeek: number | null
  /** In 30 days. */
  bytesPerMonth: number | null
  /** In 30 and in 90 days. Null if the basis is not `snapshots`. */
  forecast: Forecast[] | null
  /** The days of the last 90 that have a snapshot, oldest first; a missing day has none. */
  points: GrowthPoint[]
}

export interface Forecast extends Predicted {
  /** Days from now: 30 or 90. */
  days: number
}

export interface GrowthPoint {
  day: Day
  /** Null if the snapshot could not measure all of it. */
  totalBytes: number | null
}

export interface TableGrowth extends Growth {
  schema: string
  table: string
  kind: Table['kind']
  /** The size now. */
  totalBytes: number | null
  sizeBasis: SizeBasis
}

export interface StorageGrowth extends Growth {
  kind: 'database' | 'tablespace'
  name: string
  /** The size now; null if this role may not measure it. */
  totalBytes: number | null
}

/** When a disk is full, by the growth of the database or of one tablespace. */
export interface DiskForecast {
  /** The size of the disk. */
  bytes: number
  /** Null: the whole database. */
  tablespace: string | null
  /** `never`: it does not grow, or the disk lasts for more than 100 years. */
  state: 'growing' | 'full' | 'never' | 'unknown'
  /** Of a growing one: the expected day, and the days of the bounds of the forecast. `latest` null: possibly never. */
  fullOn: Day | null
  earliest: Day | null
  latest: Day | null
  /** The reason for `never` and `unknown`. */
  why: string | null
}
