import {formatElapsed} from '../units/elapsed.js'

interface LogLine extends Record<string, unknown> {
  time: string
  level: string
  event: string
  target?: string
}

/**
 * A log line for people: `02:00:01 maintain done after 1.20s, due 02:00:00`.
 * @param namesTarget whether the target is printed before the sentence
 */
export function prettyLine(json: string, namesTarget = false): string {
  const {time, level, event, target, ...rest} = JSON.parse(json) as LogLine
  rest.date = time.slice(0, 10)
  for (const key of ['at', 'first', 'last']) if (typeof rest[key] === 'string') rest[key] = clock(rest[key], time)
  // The event of the new attempt follows at once.
  if (event === 'retried') return ''
  const mark = level === 'error' || level === 'warn' ? '!' : ' '
  const prefix = namesTarget && target !== undefined ? `${target}: ` : ''
  return `${mark}${time.slice(11, 19)}Z ${prefix}${sentence(event, rest)}\n`
}

type Fields = Record<string, unknown>

const sentences: Record<string, (fields: Fields) => string> = {
  started: ({version, node, id, date}) => `qicore-db ${version} daemon ${id}, Node ${node}, ${date}, all times UTC`,
  listening: ({address}) => `health and metrics: http://${address}/healthz /readyz /metrics`,
  connected: ({database, role, postgres, timescaledb}) =>
    `on ${database} as ${role}: PostgreSQL ${postgres}${timescaledb ? `, TimescaleDB ${timescaledb}` : ''}`,
  schedules_changed: ({changes}) => `schedules: ${(changes as string[]).join('; ')}`,
  qicore_schema_installed: ({steps}) => `installed: ${(steps as string[]).join('; ')}`,
  job: (fields) => `${pad(fields.job)} ${pad(fields.schedule)} ${pad(fields.timezone, 13)} ${nextRun(fields)}`,
  ready: ({jobs, others}) =>
    `ready: ${jobs} ${jobs === 1 ? 'job' : 'jobs'}, ` +
    `${others === 0 ? 'no other daemon' : `${others} more ${others === 1 ? 'daemon' : 'daemons'}`} here`,
  occurrence_started: ({job, at, attempt}) =>
    `${pad(job)} started${due(at)}${Number(attempt) > 1 ? `, attempt ${attempt}` : ''}`,
  occurrence_ended: (fields) => `${pad(fields.job)} ${ending(fields)}${fields.error ? `: ${fields.error}` : ''}`,
  instants_skipped: ({job, reason, count, first, last}) =>
    `${pad(job)} ${count} skipped (${reason})${count === 1 ? due(first) : `, due ${first} to ${last}`}`,
  reclaimed: ({job, at, from, attempt}) =>
    `${pad(job)} reclaimed from ${from}, which stopped sending heartbeats${due(at)}, attempt ${attempt}`,
  retried: ({job, at, attempt}) => `${pad(job)} retried${due(at)}, attempt ${attempt}`,
  claim_lost: ({job, at}) => `${pad(job)} was reclaimed by another daemon${due(at)}`,
  job_ignored: ({job, reason}) => `${pad(job)} ignored: ${reason}`,
  connection_lost: ({error, seconds: wait}) =>
    `connection lost, next attempt in ${formatElapsed(Number(wait) * 1000)}: ${error}`,
  database_back: ({seconds: away}) => `reconnected after ${formatElapsed(Number(away) * 1000)}`,
  ledger_works: ({seconds: after, job}) =>
    `${job ? `runs of ${job} are recorded in the ledger` : 'the ledger can be read and written'} again, after ` +
    `${formatElapsed(Number(after) * 1000)}`,
  no_session: ({error}) => `no session for a claimed run: ${error}`,
  occurrence_hangs: ({job, at, pid, error}) =>
    `${pad(job)} still running in the server${pid ? ` (process ${pid})` : ''}${due(at)}: ${error}`,
  stop_incomplete: ({message}) => String(message),
  clock_skew: ({seconds: skew}) =>
    `this machine's clock and the server's differ by ${formatElapsed(Math.abs(Number(skew)) * 1000)}: nothing is ` +
    'dropped until they agree',
  clock_jump: ({seconds: jump}) =>
    `the server's clock moved by ${formatElapsed(Math.abs(Number(jump)) * 1000)} relative to this machine's`,
  stopping: ({signal, running}) =>
    `${signal}: ${running === 0 ? 'nothing is running' : `${running} running, waiting for them to finish`}`,
  target_failed: ({error, seconds: pause}) =>
    `stopped, next attempt in ${formatElapsed(Number(pause) * 1000)}: ${error}`,
  reloaded: ({added, removed, changed}) => `configuration read: ${changesOf({added, removed, changed})}`,
  reload_failed: ({error}) => `the configuration cannot be used, nothing changed: ${error}`,
  stopped: ({seconds: after}) => `stopped after ${formatElapsed(Number(after) * 1000)}`,
}

function changesOf(lists: Fields): string {
  const changes = Object.entries(lists as Record<string, string[]>).filter(([, names]) => names.length > 0)
  return changes.map(([change, names]) => `${change} ${names.join(', ')}`).join('; ') || 'no changes'
}

/** `done after 1.20s, due 02:00:00` or `failed after 0.36s, retrying in 2s, due 02:00:00`. */
function ending({at, ms, status, reason, error, inSeconds, steps}: Fields): string {
  const retries = status === 'retry'
  const result = retries ? attemptResult(inSeconds, error) : String(status)
  const retry = retries && inSeconds !== 0 ? `, retrying in ${formatElapsed(Number(inSeconds) * 1000)}` : ''
  return (
    `${result}${reason ? ` (${reason})` : ''} after ` +
    `${formatElapsed(Number(ms))}${retry}${due(at)}${stepsOf(steps)}`
  )
}

/** The result of an attempt that is followed by another one. */
function attemptResult(inSeconds: unknown, error: unknown): string {
  if (inSeconds === 0) return 'released'
  return error ? 'failed' : 'not run'
}

/** `next 2026-01-31 02:00`, `run by pg_cron`, or the state of a job that does not run. */
function nextRun({runner, state, local}: Fields): string {
  if (state !== 'active') return String(state)
  return runner === 'pg_cron' ? 'run by pg_cron' : `next ${withoutOffset(local) ?? 'never'}`
}

function sentence(event: string, fields: Fields): string {
  const known = sentences[event]
  if (known) return known(fields)
  const {message, error, reason, date: _, ...rest} = fields
  const more = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : ''
  return `${event.replaceAll('_', ' ')}: ${[message, reason, error].filter(Boolean).join(', ')}${more}`
}

/** The offset is omitted to fit 80 columns; the time zone is printed beside it. */
function withoutOffset(local: unknown): string | undefined {
  return typeof local === 'string' ? local.replace(/ [+-]\d\d:\d\d$/, '') : undefined
}

function pad(value: unknown, width = 14): string {
  return String(value).padEnd(width)
}

function due(at: unknown): string {
  return typeof at === 'string' ? `, due ${at}` : ''
}

/** Includes the date only if it differs from that of the log line. */
function clock(instant: string, time: string): string {
  return instant.slice(0, 10) === time.slice(0, 10) ? instant.slice(11, 19) : instant.slice(0, 19).replace('T', ' ')
}

function stepsOf(steps: unknown): string {
  const counts = Object.entries((steps ?? {}) as Record<string, number>).filter(([, n]) => n > 0)
  return counts.length === 0 ? '' : `, ${counts.map(([status, n]) => `${n} ${status}`).join(', ')}`
}
