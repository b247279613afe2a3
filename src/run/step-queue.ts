import {stepReport} from './step-report.js'
import type {AttemptState} from './run-step.js'
import type {Plan, Step, StepReport} from './step.js'

/** A step of the queue, and the state of its attempts. */
export interface QueuedStep {
  step: Step
  /** Its place in the plan, from 0. */
  position: number
  attempt: AttemptState
  /** The earliest time of its next attempt, in milliseconds by performance.now(). */
  notBefore: number
}

/** Reasons of a skipped step without whose effect those that depend on it make no sense. */
const leftOut: ReadonlySet<string> = new Set(['needs', 'refused'])

/**
 * The steps of a plan that have not ended, in the order of the plan; several sessions take from it. A step waits for
 * those it depends on, and between two attempts. A step whose dependency failed ends as skipped.
 */
export class StepQueue {
  private readonly known: ReadonlySet<string>
  private waiting: QueuedStep[]
  private running = 0
  /** Resumed when a step ends, when one returns for another attempt, and when the run stops. */
  private readonly sleeping = new Set<() => void>()

  /**
   * @param reports the steps that have ended, by id; the queue adds the others
   * @param signals no further step is given out once one of them is aborted
   */
  constructor(
    plan: Plan,
    private readonly reports: Map<string, StepReport>,
    private readonly signals: readonly AbortSignal[],
  ) {
    this.known = new Set(plan.steps.map((step) => step.id))
    this.waiting = plan.steps
      .map((step, position) => ({
        step,
        position,
        attempt: {attempts: 0, elapsedMs: 0, lost: false, cancelsAutovacuum: false},
        notBefore: 0,
      }))
      .filter(({step}) => !reports.has(step.id))
    for (const signal of signals) signal.addEventListener('abort', this.wake)
  }

  /** The next step that can run; null if none is left. Waits for running steps and for the time of a retry. */
  async next(): Promise<QueuedStep | null> {
    for (;;) {
      if (this.signals.some(({aborted}) => aborted)) return null
      const entry = this.take()
      if (entry !== null) {
        this.running += 1
        return entry
      }
      const canChange = this.running > 0 || this.waiting.some(({notBefore}) => notBefore > 0)
      if (this.waiting.length === 0 || !canChange) return null
      await this.change()
    }
  }

  /** Returns a step to the queue, for another attempt in this many seconds. */
  retry(entry: QueuedStep, seconds: number): void {
    this.running -= 1
    this.waiting.push({...entry, notBefore: performance.now() + seconds * 1000})
    this.waiting.sort((a, b) => a.position - b.position)
    this.wake()
  }

  /** Records how a step that was given out has ended. */
  end({step}: QueuedStep, report: StepReport): void {
    this.running -= 1
    this.reports.set(step.id, report)
    this.wake()
  }

  /** Stops listening to the signals. */
  close(): void {
    for (const signal of this.signals) signal.removeEventListener('abort', this.wake)
  }

  private take(): QueuedStep | null {
    for (let index = 0; index < this.waiting.length; ) {
      const entry = this.waiting[index]!
      const failed = this.failedDependency(entry.step)
      if (failed !== undefined) {
        this.waiting.splice(index, 1)
        this.reports.set(entry.step.id, stepReport(entry.step, 'skipped', 0, {code: 'needs', step: failed}))
        // Steps before it, and other sessions, may have waited only for this one.
        index = 0
        this.wake()
      } else if (entry.notBefore <= performance.now() && this.hasTurn(entry.step)) {
        this.waiting.splice(index, 1)
        return entry
      } else index += 1
    }
    return null
  }

  private failedDependency({dependsOn}: Step): string | undefined {
    return dependsOn.find((id) => {
      const report = this.reports.get(id)
      return report?.status === 'failed' || leftOut.has(report?.reason?.code ?? '')
    })
  }

  private hasTurn({dependsOn, after = []}: Step): boolean {
    return [...dependsOn, ...after].every((id) => !this.known.has(id) || this.reports.has(id))
  }

  /** Resolves when something wakes the queue, or when the next retry is due. */
  private async change(): Promise<void> {
    const retries = this.waiting.map(({notBefore}) => notBefore).filter((at) => at > 0)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.sleeping.add(resolve)
      if (retries.length > 0) timer = setTimeout(resolve, Math.max(1, Math.min(...retries) - performance.now()))
    })
    clearTimeout(timer)
  }

  private readonly wake = (): void => {
    for (const resume of this.sleeping) resume()
    this.sleeping.clear()
  }
}
