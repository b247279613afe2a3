import type {ScheduleVersion} from './due.js'

/** A run that was written down without its instant. */
export interface UnassignedRow {
  startedAt: number
  /** Null while it runs. */
  completedAt: number | null
  status: string
  reason: string | null
  /** The table or aggregate of a job that has a run for each. */
  part: string | null
  /** pg_cron's own connection, as opposed to a person's. */
  byCron: boolean
}

/** What pg_cron made of one instant. */
export interface CronOutcome {
  /** How the runs ended that belong to it, a part each. */
  statuses: Pick<UnassignedRow, 'status' | 'reason'>[]
  /** Parts that were not begun. */
  missing: number
  /** Parts that wait for their run before, which has not ended. */
  queued: number
  /** Runs beyond the one that each part has. */
  extra: number
}

/** The tables or aggregates of which each has a run; one nameless part where the job is one run. */
export function partsOf({commands}: Pick<ScheduleVersion, 'commands'>): (string | null)[] {
  const keys = Object.keys(commands ?? {'': ''})
  return keys.map((key) => (key === '' ? null : key))
}

/** pg_cron looks once a minute: what waited for the run before is begun this soon after its end, in milliseconds. */
const afterQueue = 90_000

export interface CronRuns {
  /** What pg_cron made of the due time `at`; the due time after it is `next`. */
  take(parts: readonly (string | null)[], at: number, next: number): CronOutcome
  /** Runs that belong to no due time, by their start: to be asked for at the end. */
  unexpected(): UnassignedRow[]
}

/**
 * Gives each run of pg_cron to the instant it was begun for, once: that before its start, or an older one where it had
 * to wait for the run before. To be asked for the instants in their order.
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
        // Begun before the first instant that was asked for: none of these.
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
        // What began before the next instant too, and did not wait for anything.
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

/** A call that found the job paused, or run by a daemon, is not one of its runs. */
function isRun({byCron, status, reason}: UnassignedRow): boolean {
  return byCron && (status !== 'skipped' || countedSkips.has(reason))
}
