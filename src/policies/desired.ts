import type {Duration} from '../units/duration.js'
import {contradictionWords} from '../catalog/table-clock.js'
import type {Offset} from '../catalog/live-policies.js'
import type {Declared} from './declared.js'
import type {TableState} from './table-state.js'
import {isProblem, toLength, toOffset, type OffsetProblem} from './offsets.js'
import {orderText, readOrder} from './order.js'

/** A declaration on its table's own scale, checked against the columns there are. */
export interface DesiredState {
  state: TableState
  chunkInterval: bigint | null
  compression: 'none' | WantedCompression | null
  retention: 'none' | {after: Duration; offset: Offset; native: boolean} | null
  refresh: 'none' | {startOffset: Offset; endOffset: Offset; every: Duration} | null
}

export interface WantedCompression {
  after: Offset
  /** Null: nothing was said. */
  segmentBy: readonly string[] | null
  orderBy: readonly string[] | null
}

/** What is wrong with a declaration, with its place in the configuration. */
export interface Problem {
  code: string
  message: string
  suggestion: string
}

/** Reads a declaration against its table. Every problem is reported, and what has one is left out. */
export function desiredStateOf(declared: Declared, state: TableState, problems: Problem[]): DesiredState {
  const place = `${declared.section}.${state.key}`
  const offset = (field: string, duration: Duration): Offset | null =>
    tell(toOffset(duration, state.scale), `${place}.${field}`)
  const length = (field: string, duration: Duration): bigint | null =>
    tell(toLength(duration, state.scale), `${place}.${field}`)
  const tell = <T extends Offset | bigint>(value: T | OffsetProblem, at: string): T | null => {
    if (!isProblem(value)) return value
    problems.push(value === 'months' ? monthsOfIntegers(at, state) : unexplainedIntegers(at, state))
    return null
  }
  const {compression, retention, refresh, chunkInterval} = declared
  const wanted = {retention: retentionOf(), refresh: refreshOf()}
  return {
    state,
    chunkInterval:
      chunkInterval === undefined || state.chunkInterval === null ? null : length('chunkInterval', chunkInterval),
    compression: compression === undefined || compression === 'none' ? (compression ?? null) : compressionOf(),
    ...wanted,
  }

  function retentionOf(): DesiredState['retention'] {
    if (retention === undefined || retention === 'none') return retention ?? null
    const after = offset('retention.after', retention.after)
    return after === null ? null : {after: retention.after, offset: after, native: retention.native}
  }

  function refreshOf(): DesiredState['refresh'] {
    if (refresh === undefined || refresh === 'none') return refresh ?? null
    const startOffset = offset('refresh.startOffset', refresh.startOffset)
    const endOffset = offset('refresh.endOffset', refresh.endOffset)
    return startOffset === null || endOffset === null ? null : {startOffset, endOffset, every: refresh.every}
  }

  function compressionOf(): WantedCompression | null {
    if (compression === undefined || compression === 'none') return null
    const age = offset('compression.after', compression.after)
    for (const column of compression.segmentBy ?? [])
      if (!state.columns.includes(column)) problems.push(noSuchColumn(`${place}.compression.segmentBy`, column, state))
    const orderBy = compression.orderBy?.map((text) => {
      const order = readOrder(text, state.columns)
      if (order === null) problems.push(noSuchColumn(`${place}.compression.orderBy`, text, state))
      return order === null ? text : orderText(order)
    })
    return age === null ? null : {after: age, segmentBy: compression.segmentBy ?? null, orderBy: orderBy ?? null}
  }
}

function noSuchColumn(place: string, column: string, {key, columns}: TableState): Problem {
  return {
    code: 'NO_SUCH_COLUMN',
    message: `${place}: ${key} has no column "${column}".`,
    suggestion: `Its columns: ${columns.join(', ')}.`,
  }
}

function monthsOfIntegers(place: string, {key}: TableState): Problem {
  return {
    code: 'DURATION',
    message: `${place}: the time column of ${key} is an integer, and a month has no fixed length in integers.`,
    suggestion: 'Write it in days: 730d.',
  }
}

function unexplainedIntegers(place: string, {key, contradiction, timeUnitAdvice}: TableState): Problem {
  if (contradiction !== undefined)
    return {
      code: 'WRONG_UNIT',
      message: `${place}: timeUnit of ${key} is ${contradiction.declared}, but ${contradictionWords(contradiction)}.`,
      suggestion: timeUnitAdvice,
    }
  return {
    code: 'TIME_UNIT',
    message: `${place}: the time column of ${key} is an integer, and its unit is not known.`,
    suggestion: timeUnitAdvice,
  }
}
