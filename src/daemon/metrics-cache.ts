import type {Database} from '../db/database.js'

export interface SurveyedTable {
  schema: string
  table: string
  chunks: number
  compressedChunks: number
  /** Null if a part of it could not be measured. */
  totalBytes: number | null
  /** Seconds since 1970. */
  newest: number | null
}

export interface SurveyedPolicy {
  schema: string
  table: string
  kind: string
  /** Null if unknown. */
  notDone: number | null
  ok: boolean | null
}

/** A declared partition set. */
export interface SurveyedSet {
  schema: string
  table: string
  /** Number of partitions after the current one. */
  ahead: number
  /** Null with a default partition, or if the end is open or unknown. */
  daysLeft: number | null
  /** Seconds since 1970: from then on inserts fail, or rows go to the default partition. Null if unknown or open. */
  coveredUntil: number | null
  hasDefault: boolean
}

/** When a job last succeeded, by any runner or by hand. */
export interface SurveyedJob {
  job: string
  /** Seconds since 1970. */
  at: number
}

export interface SurveyAnswer {
  tables: readonly SurveyedTable[]
  policies: readonly SurveyedPolicy[]
  partitions: readonly SurveyedSet[]
  lastDone: readonly SurveyedJob[]
}

export interface MetricsSnapshot {
  /** The last values with the time of reading (seconds since 1970); starts to read new ones if they are old. */
  look(): SurveyAnswer & {at: number | null}
}

/** Milliseconds. Reading takes a few hundred milliseconds of database time with 10 000 chunks. */
const every = 300_000

/** @param session opens a session for reading; null if the database is not available */
export function createMetricsCache(
  session: () => Promise<{db: Database; done(): void} | null>,
  read: (db: Database) => Promise<SurveyAnswer>,
): MetricsSnapshot {
  let last: SurveyAnswer & {at: number | null} = {tables: [], policies: [], partitions: [], lastDone: [], at: null}
  let lookedAt = -Infinity
  let looking = false
  const refresh = async () => {
    const own = await session()
    if (own === null) return
    try {
      last = {...(await read(own.db)), at: Date.now() / 1000}
    } finally {
      own.done()
    }
  }
  return {
    look() {
      if (!looking && performance.now() - lookedAt > every) {
        looking = true
        lookedAt = performance.now()
        refresh()
          .catch(() => {})
          .finally(() => (looking = false))
      }
      return last
    },
  }
}
