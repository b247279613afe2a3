import {formatBytes} from '../../units/bytes.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'

export {formatAge, formatElapsed} from '../../units/elapsed.js'
export {formatInstant, instantInWords} from '../../units/instant.js'

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

/** How long ago, by the server's clock; an integer of unknown unit as it is. */
export function ageOr(value: Instant | number | string | null, at: Instant): string {
  if (value === null) return dash
  return typeof value === 'string' && /Z( BC)?$/.test(value) ? formatAge(secondsBetween(value, at)) : String(value)
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The head of a column of range starts: what a column without a time zone holds is not in UTC. */
export function fromHead(starts: readonly (Instant | number | string | null)[]): string {
  const times = starts.filter((start) => typeof start === 'string' && start.includes('T'))
  return times.length > 0 && times.every((start) => /Z( BC)?$/.test(start as string)) ? 'FROM (UTC)' : 'FROM'
}
