import type {Server} from '../db/server.js'
import {ExitCode, messageOf} from '../errors.js'
import {redact} from '../db/redact.js'
import type {DaemonEvent} from '../jobs/events.js'
import {Fleet} from './fleet.js'
import {serve, type HttpServer} from './http.js'
import {statusUrlOf} from './listen.js'
import {logTo, type Log} from './log.js'
import {giveBackMemory} from './memory.js'
import {daemonMetrics} from './metrics.js'
import {WorkerSlots} from './worker-slots.js'
import {retryPause, type DaemonTarget} from './target-runner.js'

export interface RunOptions {
  targets: readonly DaemonTarget[]
  /** Whether --targets or --all-targets selected them. */
  several: boolean
  /** Reads the configuration again, on SIGHUP. @throws if it is wrong: then nothing changes */
  readTargets(): Promise<readonly DaemonTarget[]>
  listen: {host: string; port: number} | null
  /** What the pages require; null: none, and they are served on a loopback address only. */
  token: string | null
  version: string
  pretty: boolean
  /** Writes a log line, which includes its newline. */
  write(line: string): void
  level: string
  /** How many jobs of all targets may run at the same time. */
  workers: number
  /** Milliseconds that running steps have to complete after a signal. */
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
  const {targets, grace, listen, token} = options
  // EPIPE: a closed stdout must not stop the daemon.
  process.stdout.on('error', () => {})
  const log = logTo({...options, namesTarget: () => fleet.targets.length > 1})
  const freeMemory = afterStart()
  const emit = (event: DaemonEvent, target: string) => {
    log(event, target)
    if (event.event === 'ready') freeMemory()
  }
  const fleet = new Fleet(targets, {
    ...options,
    slots: new WorkerSlots(options.workers),
    emit,
    statusUrl: statusUrlOf(listen),
  })
  onSignals((signal) => fleet.stop(signal, grace), options.secondSignal)
  const stopReloading = reloads(fleet, options, log)
  options.onListening()
  let server: HttpServer | null = null
  const began = performance.now()
  try {
    if (listen !== null) {
      server = await serve(listen, {
        targets: () => fleet.targets,
        metrics: daemonMetrics(options.version, () => fleet.targets),
        token,
      })
      log({event: 'listening', address: server.address}, null)
    }
    const whole = await fleet.run()
    log({event: 'stopped', seconds: (performance.now() - began) / 1000}, null)
    return whole ? ExitCode.done : ExitCode.failed
  } finally {
    stopReloading()
    await server?.close()
  }
}

/** Frees memory once, two seconds after the last of several targets is ready. */
function afterStart(): () => void {
  let timer: NodeJS.Timeout | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(() => void giveBackMemory().catch(() => {}), 2_000).unref()
  }
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

/**
 * Reads the targets again on SIGHUP; also regularly while one of them cannot be used, because its databases may be
 * readable now. A configuration with a mistake is logged and changes nothing.
 * @returns stops it
 */
function reloads(fleet: Fleet, {readTargets}: RunOptions, log: Log): () => void {
  const reload = async (signal: string | null) => {
    try {
      const changes = fleet.apply(await readTargets(), signal ?? 'reload')
      if (signal !== null || Object.values(changes).some((names) => names.length > 0))
        log({event: 'reloaded', ...changes}, null)
    } catch (error) {
      if (signal !== null) log({event: 'reload_failed', error: redact(messageOf(error))}, null)
    }
  }
  let last = Promise.resolve()
  const queue = (signal: string | null) => void (last = last.then(() => reload(signal)))
  const onHangup = () => queue('SIGHUP')
  process.on('SIGHUP', onHangup)
  const timer = setInterval(() => {
    if (fleet.targets.some(({declared}) => 'error' in declared)) queue(null)
  }, retryPause).unref()
  return () => {
    process.off('SIGHUP', onHangup)
    clearInterval(timer)
  }
}
