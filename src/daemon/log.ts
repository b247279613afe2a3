/** The only importer of pino: one JSON object a line, on stdout. */
import pino from 'pino'
import {redact} from '../db/redact.js'
import type {DaemonEvent} from '../jobs/events.js'
import {prettyLine} from './pretty.js'

/** The log level of an event; the others are `info`. */
const levels: Partial<Record<DaemonEvent['event'], 'warn' | 'error' | 'debug'>> = {
  job_ignored: 'warn',
  reclaimed: 'warn',
  claim_lost: 'warn',
  result_write_failed: 'error',
  connection_lost: 'error',
  replica: 'warn',
  server_changed: 'warn',
  clock_skew: 'warn',
  clock_jump: 'warn',
  runner_unavailable: 'error',
  warning: 'warn',
  poll_failed: 'error',
  no_session: 'error',
  occurrence_hangs: 'error',
  stop_incomplete: 'error',
  target_failed: 'error',
  reload_failed: 'error',
}

export interface LogOptions {
  /** Text for people instead of JSON. */
  pretty: boolean
  level: string
  write(line: string): void
  /** Whether lines for people name the target. */
  namesTarget(): boolean
}

/** Logs an event; `target` is the target that it is about, null for one of the process. */
export type Log = (event: DaemonEvent, target: string | null) => void

/** A listener that logs every event. */
export function logTo({pretty, level, write, namesTarget}: LogOptions): Log {
  const log = pino(
    {base: null, level, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: (label) => ({level: label})}},
    {write: (line: string) => write(pretty ? prettyLine(line, namesTarget()) : line)},
  )
  return (event, target) => log[levelOf(event)]({...fields(event), ...(target !== null && {target})})
}

function levelOf(event: DaemonEvent): 'info' | 'warn' | 'error' | 'debug' {
  if (event.event === 'occurrence_ended') {
    if (event.outcome.kind === 'retry') return event.outcome.error === null ? 'info' : 'warn'
    return event.outcome.kind === 'ended' && event.outcome.status === 'failed' ? 'error' : 'info'
  }
  return levels[event.event] ?? 'info'
}

const isoOrNull = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString())

/** The fields of a log line: times as ISO 8601, the outcome flattened, passwords removed from errors. */
function fields(event: DaemonEvent): Record<string, unknown> {
  const flat: Record<string, unknown> = {...event}
  if (event.event === 'occurrence_ended') {
    const {outcome, claim} = event
    delete flat.outcome
    delete flat.claim
    Object.assign(flat, {attempt: claim.attempts, late: round(claim.late)})
    if (outcome.kind === 'ended')
      Object.assign(flat, {status: outcome.status, reason: outcome.reason, error: outcome.error, ...outcome.detail})
    if (outcome.kind === 'retry')
      Object.assign(flat, {status: 'retry', error: outcome.error, inSeconds: outcome.seconds})
  }
  for (const key of ['at', 'first', 'last']) if (key in flat) flat[key] = isoOrNull(flat[key] as number | null)
  for (const key of ['late', 'seconds']) if (typeof flat[key] === 'number') flat[key] = round(flat[key])
  if (typeof flat.error === 'string') flat.error = redact(flat.error)
  return Object.fromEntries(Object.entries(flat).filter(([, value]) => value !== null && value !== undefined))
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
