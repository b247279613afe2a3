import type {ScheduleVersion} from './due.js'

/** A run that was recorded without its due time: one by pg_cron, or one by hand. */
export interface UnassignedRow {
  startedAt: number
  /** Null while it is running. */
  completedAt: number | null
  status: string
  reason: string | null
  /** The table or aggregate, for a job with one run for each; otherwise null. */
  part: string | null
  /** False for a call from a user's session. */
  byCron: boolean
}

/** The runs of pg_cron for one due time. */
export interface CronOutcome {
  /** How the runs of this due time ended, one for each part. */
  statuses: Pick<UnassignedRow, 'status' | 'reason'>[]
  /** Number of parts that were not started. */
  missing: number
  /** Number of parts that wait because their previous run is still running. */
  queued: number
  /** Number of runs beyond one for each part. */
  extra: number
}

/** The tables or aggregates that have one run each; `[null]` if the whole job is one run. */
export function partsOf({commands}: Pick<ScheduleVersion, 'commands'>): (string | null)[] {
  const keys = Object.keys(commands ?? {'': ''})
  return keys.map((key) => (key === '' ? null : key))
}

/**
 * Milliseconds. pg_cron checks its schedule once a minute, so a run that waited for the previous one starts within
 * this time after it ended.
 */
const afterQueue = 90_000

export interface CronRuns {
  /** The runs for the due time `at`, which is followed by the due time `next`. Call in ascending order of `at`. */
  take(parts: readonly (string | null)[], at: number, next: number): CronOutcome
  /** Runs without a due time, ordered by start. Call it after the last `take`. */
  unexpected(): UnassignedRow[]
}

/**
 * Assigns each run of pg_cron to one due time: the last one before its start, or an earlier one if the run had to wait
 * for the previous run.
 */
export function cronRuns(unassigned: readonly UnassignedRow[]): CronRuns {
  const byPart = new Map<string | null, UnassignedRow[]>()
  for (const run of unassigned.filter(isRun).sort((a, b) => a.startedAt - b.startedAt))
    byPart.set(run.part, [...(byPart.get(run.part) ?? []), run])
  const before = new Map<string | null, UnassignedRow>()
  const early: UnassignedRow[] = []
  return {
    unexpected: () => [...early, ...[...byPart.values()].flat()].sort((a, b) => a.startedAt - b.startedAt),
    take(parts, at, next) {
      const outcome: CronOutcome = {statuses: [], missing: 0, queued: 0, extra: 0}
      for (const part of parts) {
        const runs = byPart.get(part) ?? []
        // Runs that started before the first due time belong to none of them.
        if (!before.has(part)) while (runs[0] !== undefined && runs[0].startedAt < at) early.push(runs.shift()!)
        const last = before.get(part)
        const waits = last !== undefined && (last.completedAt ?? Infinity) > at
        const run = runs[0]
        const matches =
          run !== undefined && (run.startedAt < next || (waits && run.startedAt - (last.completedAt ?? 0) < afterQueue))
        if (matches) {
          outcome.statuses.push({status: run.status, reason: run.reason})
          before.set(part, run)
          runs.shift()
        } else if (waits && last.completedAt === null) outcome.queued += 1
        else outcome.missing += 1
        // Further runs that started before the next due time without having waited for a previous run.
        while (
          matches &&
          runs[0] !== undefined &&
          runs[0].startedAt < next &&
          (run.completedAt ?? Infinity) <= next &&
          !waits
        ) {
          outcome.extra += 1
          runs.shift()
        }
      }
      return outcome
    },
  }
}

const countedSkips: ReadonlySet<string | null> = new Set(['overlap', 'restoring'])

/** A call that found the job paused, or assigned to the daemon, did not run the job. */
function isRun({byCron, status, reason}: UnassignedRow): boolean {
  return byCron && (status !== 'skipped' || countedSkips.has(reason))
}
