import {formatBytes} from '../../units/bytes.js'
import {secondsBetween, type Instant} from '../../units/instant.js'

/** What is not known, in every table. */
export const dash = '-'

export function bytesOr(bytes: number | null, prefix = ''): string {
  return bytes === null ? dash : `${prefix}${formatBytes(bytes)}`
}

export function percentOr(percent: number | null): string {
  return percent === null ? dash : `${percent.toFixed(1)}%`
}

export function ratioOr(ratio: number | null): string {
  return ratio === null ? dash : ratio.toFixed(1)
}

/** Two units at most: `41s`, `9m`, `1h 5m`, `2d 14h`, `3y 20d`. */
export function formatAge(seconds: number): string {
  if (seconds < 0) return `in ${formatAge(-seconds)}`
  const pair = (whole: number, unit: string, rest: number, small: string) => `${whole}${unit}${rest > 0 ? ` ${rest}${small}` : ''}`
  if (seconds < 60) return `${Math.floor(seconds)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return pair(hours, 'h', minutes % 60, 'm')
  const days = Math.floor(hours / 24)
  return days < 365 ? pair(days, 'd', hours % 24, 'h') : pair(Math.floor(days / 365), 'y', days % 365, 'd')
}

/** How long ago, by the server's clock; an integer of unknown unit as it is. */
export function ageOr(value: Instant | number | string | null, at: Instant): string {
  if (value === null) return dash
  return typeof value === 'string' && /Z( BC)?$/.test(value) ? formatAge(secondsBetween(value, at)) : String(value)
}

/** An instant, or a time without a zone, as it fits a table: the day alone where it is midnight. */
export function formatInstant(instant: Instant): string {
  const [, day, time, bc = ''] = /^(.*?)T(\d\d:\d\d)[^ ]*( BC)?$/.exec(instant) ?? []
  if (day === undefined) return instant
  return `${day}${/T00:00:00Z?( BC)?$/.test(instant) ? '' : ` ${time}`}${bc}`
}

/** An instant to the second: `2026-11-27 22:40`, with the seconds only where there are any. */
export function formatTime(instant: Instant): string {
  const text = instant.slice(0, 19).replace('T', ' ')
  return text.endsWith(':00') ? text.slice(0, 16) : text
}

/** How long something took, to three digits: `7.20 ms`, `3.58 s`, `1.2 h`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(ms < 9.95 ? 2 : ms < 99.5 ? 1 : 0)} ms`
  const seconds = ms / 1000
  if (seconds < 120) return `${seconds.toFixed(seconds < 9.95 ? 2 : 1)} s`
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The head of a column of range starts: what a column without a time zone holds is not in UTC. */
export function fromHead(starts: readonly (Instant | number | string | null)[]): string {
  const times = starts.filter((start) => typeof start === 'string' && start.includes('T'))
  return times.length > 0 && times.every((start) => /Z( BC)?$/.test(start as string)) ? 'FROM (UTC)' : 'FROM'
}
