/** What must hold after every statement, checked without the code of the scheduler. */
import type {ScheduleVersion} from '../../src/schedule/due.js'
import type {JobRow, LedgerObserver, LogRow, MemoryLedger} from './memory-ledger.js'

export class Violation extends Error {}

/** The due times in (after, until] of the schedules that the simulator uses: every n seconds of a minute, in UTC. */
export function* instantsOf({schedule}: ScheduleVersion, after: number, until: number): Generator<number> {
  const every = Number(/^\*\/(\d+) \* \* \* \* \*$/.exec(schedule)?.[1]) * 1_000
  if (!(every > 0)) throw new Error(`the simulator has no oracle for "${schedule}"`)
  for (let at = (Math.floor(after / every) + 1) * every; at <= until; at += every) yield at
}

/** The due times of all versions in (after, until], each by the version in force. */
export function* expectedInstants(
  versions: readonly ScheduleVersion[],
  after: number,
  until: number,
): Generator<{at: number; runner: ScheduleVersion['runner']}> {
  for (const [n, version] of versions.entries()) {
    if (version.state !== 'active') continue
    const from = Math.max(after, version.validFrom)
    const to = Math.min(until, versions[n + 1]?.validFrom ?? Infinity)
    for (const at of instantsOf(version, from, to)) yield {at, runner: version.runner}
  }
}

export class Invariants implements LedgerObserver {
  /** Number of due times that have a row. */
  instants = 0
  violation: Violation | null = null
  /** When each job was advanced last. */
  readonly advancedAt = new Map<string, number>()

  constructor(private readonly elapsed: () => number) {}

  fail(message: string): void {
    this.violation ??= new Violation(message)
  }

  /** One row for every instant, and no row without one. */
  advanced(job: JobRow, from: number, to: number, rows: readonly LogRow[]): void {
    this.advancedAt.set(job.name, this.elapsed())
    const left = new Map(rows.map((row) => [row.scheduledAt!, row]))
    this.instants += left.size
    if (left.size < rows.length) this.fail(`${job.name}: a due time has two rows`)
    for (const {at, runner} of expectedInstants(job.versions, from, to)) {
      const row = left.get(at)
      if (row === undefined) this.fail(`${job.name}: the due time ${iso(at)} has no row`)
      if (runner === 'pg_cron' && row?.status === 'running')
        this.fail(`${job.name}: a daemon runs ${iso(at)}, which is pg_cron's`)
      left.delete(at)
    }
    for (const at of left.keys()) this.fail(`${job.name}: a row at ${iso(at)}, which no schedule contains`)
  }

  granted(): void {}

  /** No claim is accepted after another one of the same row. */
  accepted(statement: string, row: LogRow, grant: number | null): void {
    if (grant !== null && grant !== row.grant)
      this.fail(
        `${statement} of ${row.job} ${iso(row.scheduledAt)} (id ${row.id}, token ${row.token}) was accepted from an earlier claim`,
      )
  }

  /** No work without a row, and none twice. */
  worked(row: LogRow, step: string): void {
    if (row.status !== 'running')
      this.fail(`${row.job} ${iso(row.scheduledAt)}: ${step} was done while the row is ${row.status}`)
    if (row.steps.filter((done) => done === step).length !== 1)
      this.fail(`${row.job} ${iso(row.scheduledAt)}: ${step} was done twice`)
  }

  /** A new version begins after the last due time that has a row. */
  versionAdded(job: JobRow): void {
    if (job.versions.at(-1)!.validFrom < job.lastAt) this.fail(`${job.name}: a version begins before last_at`)
  }

  /** At most one claim of a job, and a row for it. */
  claims(ledger: MemoryLedger): void {
    const held = new Map<string, LogRow>()
    for (const row of ledger.running) {
      if (row.part !== null) continue
      if (held.has(row.job)) this.fail(`${row.job} has two rows that are running`)
      held.set(row.job, row)
    }
    for (const {name, running} of ledger.jobs.values())
      if (running !== (held.get(name)?.token ?? null)) this.fail(`${name}: the row that is running is not the job's`)
  }
}

export function iso(at: number | null): string {
  return at === null ? 'by hand' : new Date(at).toISOString()
}
