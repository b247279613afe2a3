import type {Config} from '../config/load.js'
import {partitionRules} from '../config/partitions.js'
import type {Job} from '../config/jobs.js'
import {connect} from '../db/connect.js'
import type {Target} from '../db/database.js'
import type {Server} from '../db/server.js'
import {ExitCode} from '../errors.js'
import type {Limits} from '../run/limits.js'
import {Daemon} from './lifecycle.js'
import {statusUrlOf} from './listen.js'
import {giveBackMemory} from './memory.js'
import {logTo} from './log.js'
import {metricsOf} from './metrics.js'
import {readSurvey} from './read-metrics.js'
import {serve, type HttpServer} from './http.js'
import {createMetricsCache} from './metrics-cache.js'
import {createPages} from './pages.js'
import type {Database} from '../db/database.js'
import type {JobContext} from '../jobs/kind.js'
import type {ReportDocument} from '../page/document.js'

export interface RunOptions {
  target: Target
  config: Config | null
  jobs: readonly Job[]
  listen: {host: string; port: number} | null
  /** What the pages require; null: none, and they are served on a loopback address only. */
  token: string | null
  limits: Limits
  version: string
  pretty: boolean
  /** Writes a log line, which includes its newline. */
  write(line: string): void
  level: string
  workers: number
  grace: number
  lease: number
  poll: number
  actor(server: Server): string
  /** Called when the daemon has installed its signal handlers. */
  onListening(): void
  secondSignal(): Promise<void>
}

/** Runs the daemon with its log, HTTP server and signal handlers until it stops. Returns the exit code. */
export async function runDaemon(options: RunOptions): Promise<ExitCode> {
  const log = logTo({pretty: options.pretty, level: options.level, write: options.write})
  // EPIPE: a closed stdout must not stop the daemon.
  process.stdout.on('error', () => {})
  const {target, config} = options
  const context = {
    limits: options.limits,
    sections: {tables: config?.tables ?? {}, aggregates: config?.aggregates ?? {}},
    partitions: (withDefinitions: boolean) => partitionRules(config, withDefinitions),
  }
  const daemon = new Daemon({
    ...options,
    connect: () =>
      connect(
        {...target, url: target.directUrl ?? target.url},
        {applicationName: 'qicore-db/daemon', statusUrl: statusUrlOf(options.listen)},
      ),
    context,
    actor: (db) => options.actor(db.server),
    emit: (event) => {
      log(event)
      metrics.count(event)
      if (event.event === 'ready') setTimeout(() => void giveBackMemory().catch(() => {}), 2_000).unref()
    },
  })
  const jobNames = options.jobs.map(({name}) => name)
  /** Of its own, so that a report does not hold up the scheduler; the embedded engine has only one. */
  const readingSession = async () => {
    const control = daemon.control()
    if (control === null) return null
    if (control.server.embedded) return {db: control, done() {}}
    const db = await control.openSession()
    return {db, done: () => void db.close()}
  }
  const metricsCache = createMetricsCache(readingSession, (db) =>
    readSurvey(db, {...context, jobs: daemon.health().registry === null ? [] : jobNames}),
  )
  const metrics = metricsOf({
    version: options.version,
    registry: () => daemon.health().registry,
    connected: () => daemon.health().connected === true && daemon.health().blockedReason === null,
    runningCount: () => daemon.runningCount(),
    skew: () => daemon.skew(),
    now: () => daemon.health().now,
    metricsCache: () => metricsCache.look(),
  })
  onSignals((signal) => daemon.stop(signal), options.secondSignal)
  options.onListening()
  let server: HttpServer | null = null
  const began = performance.now()
  try {
    if (options.listen !== null) {
      server = await serve(options.listen, {
        watched: {health: () => daemon.health(), check: (maxAge) => daemon.check(maxAge)},
        metrics,
        pages: createPages({session: readingSession, read: (db) => readReport(db, options, context)}),
        token: options.token,
      })
      log({event: 'listening', address: server.address})
    }
    const whole = await daemon.run()
    log({event: 'stopped', seconds: (performance.now() - began) / 1000})
    return whole ? ExitCode.done : ExitCode.failed
  } finally {
    await server?.close()
  }
}

/** What `report` reads, loaded at the first request of a page. */
async function readReport(
  db: Database,
  {jobs}: RunOptions,
  {sections, partitions, limits}: Pick<JobContext, 'sections' | 'partitions' | 'limits'>,
): Promise<ReportDocument> {
  const [{readDocument}, {reportTarget}] = await Promise.all([
    import('../page/read-document.js'),
    import('../config/target.js'),
  ])
  const document = await readDocument(db, {sections, partitions, jobs, lateAfter: limits.lateAfter, fast: false})
  return {...document, target: reportTarget(db)}
}

/** The handlers are never removed: a second signal must be handled while the first one is still waiting. */
function onSignals(first: (signal: string) => void, second: () => Promise<void>): void {
  let signalled = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (signalled) return void second()
    signalled = true
    first(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
