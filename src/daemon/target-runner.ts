import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../config/jobs.js'
import type {Config} from '../config/load.js'
import {partitionRules} from '../config/partitions.js'
import {connect} from '../db/connect.js'
import type {Database, Target} from '../db/database.js'
import {redact} from '../db/redact.js'
import type {Server} from '../db/server.js'
import {serverMessage} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {DaemonEvent, Emit} from '../jobs/events.js'
import type {JobContext} from '../jobs/kind.js'
import type {ReportDocument} from '../page/document.js'
import type {Limits} from '../run/limits.js'
import {whileNaming} from '../units/command.js'
import {withoutLoop, type HealthState} from './health.js'
import {createMetricsCache} from './metrics-cache.js'
import {metricsOf, type TargetMetrics} from './metrics.js'
import {createPages, type Pages} from './pages.js'
import {readSurvey} from './read-metrics.js'
import {TargetLoop} from './target-loop.js'
import type {WorkerSlots} from './worker-slots.js'

/** A database that a daemon maintains, with everything that its configuration says about it. */
export interface UsableTarget {
  /** The label `target` of metrics and log lines. */
  name: string
  target: Target
  config: Config | null
  jobs: readonly Job[]
  limits: Limits
}

/** A target that cannot be used: a variable is not set, or the databases of its server cannot be read. */
export interface UnusableTarget {
  name: string
  error: OpsError
}

export type DaemonTarget = UsableTarget | UnusableTarget

export interface RunnerOptions {
  version: string
  slots: WorkerSlots
  /** Seconds without a heartbeat after which other daemons reclaim this daemon's runs. */
  lease: number
  /** Milliseconds between two polls of the ledger while nothing is due. */
  poll: number
  statusUrl: string | undefined
  /** Whether printed commands name the target: without it they would reach the default target. */
  several: boolean
  actor(server: Server): string
  emit(event: DaemonEvent, target: string): void
  /** Called when an error ended the loop. */
  onFailed(): void
}

/** Milliseconds between two attempts after an error that another attempt does not resolve, like a wrong password. */
export const retryPause = 300_000

/** One target of a daemon: its loop, which is started again after an error that ended it, its metrics and its page. */
export class TargetRunner {
  readonly name: string
  readonly metrics: TargetMetrics
  readonly pages: Pages
  /** The error that ended the loop, until it works again. */
  failure: unknown = null
  private loop: TargetLoop | null = null
  private reported: string | null = null
  private readonly id = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`
  private readonly stopping = new AbortController()
  private waking = new AbortController()

  constructor(
    readonly declared: DaemonTarget,
    private readonly options: RunnerOptions,
  ) {
    this.name = declared.name
    const session = () => this.readingSession()
    const usable = 'error' in declared ? null : declared
    const jobNames = usable?.jobs.map(({name}) => name) ?? []
    const context = usable === null ? null : contextOf(usable)
    const metricsCache = createMetricsCache(session, (db) =>
      readSurvey(db, {...context!, jobs: this.health().registry === null ? [] : jobNames}),
    )
    this.metrics = metricsOf({
      target: this.name,
      registry: () => this.health().registry,
      connected: () => this.health().connected === true && this.health().blockedReason === null,
      runningCount: () => this.loop?.runningCount() ?? 0,
      skew: () => this.loop?.skew() ?? 0,
      now: () => this.health().now,
      metricsCache: () => metricsCache.look(),
    })
    this.pages = createPages({session, read: (db) => this.naming(() => readReport(db, usable!.jobs, context!))})
  }

  /** The error that ended the loop as a sentence without passwords; null while it runs. */
  get failureMessage(): string | null {
    const {failure} = this
    if (failure === null) return null
    return redact(failure instanceof OpsError ? failure.message : serverMessage(failure))
  }

  health(): HealthState {
    const failure = this.failureMessage
    const state = this.loop?.health() ?? withoutLoop
    return {...state, failure, sinceTurn: failure === null ? state.sinceTurn : 0}
  }

  /** Resolves when the state of the ledger in {@link health} is at most `maxAge` milliseconds old. */
  async check(maxAge: number): Promise<void> {
    await this.loop?.check(maxAge)
  }

  /** Runs until it is stopped. False if steps were still running in the server when it ended. Never rejects. */
  run(): Promise<boolean> {
    return this.naming(() => this.runLoops())
  }

  private naming<R>(work: () => R): R {
    return this.options.several ? whileNaming(this.name, work) : work()
  }

  private async runLoops(): Promise<boolean> {
    const {version, emit} = this.options
    emit({event: 'started', id: this.id, version, node: process.versions.node}, this.name)
    for (;;) {
      try {
        return await this.runLoop()
      } catch (error) {
        this.failed(error)
        await this.pause()
        if (this.stopping.signal.aborted) return true
      }
    }
  }

  /** Ends the pause after an error, because what caused it may have been corrected. */
  retry(): void {
    this.waking.abort()
  }

  private async pause(): Promise<void> {
    this.waking = new AbortController()
    const signal = AbortSignal.any([this.stopping.signal, this.waking.signal])
    await sleep(retryPause, undefined, {signal}).catch(() => {})
  }

  /** @param grace milliseconds that running steps have to complete */
  stop(reason: string, grace: number): void {
    this.stopping.abort()
    this.loop?.stop(reason, grace)
  }

  private async runLoop(): Promise<boolean> {
    const {declared, options} = this
    if ('error' in declared) throw declared.error
    const {target} = declared
    const emit: Emit = (event) => this.handle(event)
    this.loop = new TargetLoop({
      ...options,
      id: this.id,
      target,
      jobs: declared.jobs,
      context: contextOf(declared),
      connect: () =>
        connect(
          {...target, url: target.directUrl ?? target.url},
          {applicationName: 'qicore-db/daemon', statusUrl: options.statusUrl},
        ),
      actor: (db) => options.actor(db.server),
      emit,
    })
    return this.loop.run()
  }

  private handle(event: DaemonEvent): void {
    this.options.emit(event, this.name)
    this.metrics.count(event)
    if (event.event !== 'ready' && event.event !== 'observing') return
    this.failure = null
    this.reported = null
  }

  private failed(error: unknown): void {
    this.failure = error
    this.loop = null
    this.options.onFailed()
    const message = this.failureMessage!
    if (message === this.reported || this.stopping.signal.aborted) return
    this.reported = message
    this.handle({event: 'target_failed', error: message, seconds: retryPause / 1000})
  }

  /** Of its own, so that a report does not hold up the scheduler; the embedded engine has only one. */
  private async readingSession(): Promise<{db: Database; done(): void} | null> {
    const control = this.loop?.control() ?? null
    if (control === null) return null
    if (control.server.embedded) return {db: control, done() {}}
    const db = await control.openSession()
    return {db, done: () => void db.close()}
  }
}

type ReadContext = Pick<JobContext, 'sections' | 'partitions' | 'limits'>

function contextOf({config, limits}: UsableTarget): ReadContext {
  return {
    limits,
    sections: {tables: config?.tables ?? {}, aggregates: config?.aggregates ?? {}},
    partitions: (withDefinitions) => partitionRules(config, withDefinitions),
  }
}

/** What `report` reads, loaded at the first request of a page. */
async function readReport(
  db: Database,
  jobs: readonly Job[],
  {sections, partitions, limits}: ReadContext,
): Promise<ReportDocument> {
  const [{readDocument}, {reportTarget}] = await Promise.all([
    import('../page/read-document.js'),
    import('../config/target.js'),
  ])
  const {lateAfter} = limits
  const document = await readDocument(db, {sections, partitions, jobs, lateAfter, fast: false, disk: null})
  return {...document, target: reportTarget(db)}
}
