import {readOnlySettings, type Database} from '../db/database.js'
import {ident, sql, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {ago, dueAt} from './ages.js'
import {microsIn, type TableClock} from './table-clock.js'
import {graceOf, shift} from './due.js'
import type {TimeRange} from './time-range.js'
import type {LivePolicy} from './live-policies.js'
import type {Chunk, Table} from './table.js'
import {compareAscending} from '../units/compare.js'
import {spanOf} from './span.js'
import {instantOf, microsOf, type TimeKind} from './time.js'

/** The work that is due for a refresh policy. */
export interface RefreshState {
  policy: LivePolicy
  /** Start of the first whole bucket in the policy's window that is not computed, on the table's scale; null: none. */
  behindFrom: bigint | null
  /** When the first of them fell due, microseconds since 1970. */
  since: bigint | null
  late: boolean | null
}

const timeoutMs = 1_000
const chunksTried = 5

/**
 * How far an aggregate is behind, by its watermark; changes of rows below the watermark are not checked here. A source
 * that receives no rows makes no policy late, so before a policy is called late the source is queried for a row.
 * @param lateAfter milliseconds
 */
export async function refreshState(
  db: Database,
  policy: LivePolicy,
  clock: TableClock,
  at: Instant,
  lateAfter: number,
  endsOf: (table: Table) => TimeRange | undefined,
): Promise<RefreshState> {
  const {table, endOffset, startOffset} = policy
  const entry = table.aggregate
  const unknown: RefreshState = {policy, behindFrom: null, since: null, late: null}
  const none: RefreshState = {...unknown, late: false}
  if (entry === null || entry.source === null || entry.bucketWidth === null || clock.now === null) return unknown
  const width = entry.bucketWidth
  const until = endOffset === null ? clock.now : ago(clock, endOffset)
  const windowStart = startOffset === null ? null : ago(clock, startOffset)
  if (until === null || (startOffset !== null && windowStart === null)) return unknown
  const from = larger(entry.watermark, windowStart)
  const source = endsOf(entry.source)
  if (source === undefined) return unknown
  if (source.newest === null) return entry.source.chunks.length === 0 ? none : unknown
  const oldest = from ?? source.oldest
  if (oldest === null) return unknown
  if (source.newest < oldest || shift(oldest, width, 1) > until) return none
  const due = (first: bigint): bigint | null => {
    const whole = shift(first, width, 1)
    return endOffset === null ? microsIn(whole, table, clock) : dueAt(clock, whole, endOffset)
  }
  const grace = microsOf(at) - graceOf(policy, lateAfter)
  const early = due(oldest)
  if (early === null) return {...unknown, behindFrom: oldest}
  if (early >= grace) return {policy, behindFrom: oldest, since: early, late: false}
  const first = from === null ? oldest : await firstRowFrom(db, entry.source, from)
  if (first === undefined) return unknown
  if (first === null || shift(first, width, 1) > until) return none
  const since = due(first)
  return {policy, behindFrom: first, since, late: since === null ? null : since < grace}
}

function larger(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}

/** The time of the first row at or after a point. Null: there is none. Undefined: too expensive to find out. */
async function firstRowFrom(db: Database, table: Table, from: bigint): Promise<bigint | null | undefined> {
  if (table.timeColumn === null || !['timestamptz', 'timestamp', 'date', 'integer'].includes(table.time))
    return undefined
  const chunks = table.chunks
    .filter(({end, tiered}) => !tiered && (end === null || end > from))
    .sort((a, b) => compareAscending(spanOf(a).start, spanOf(b).start))
  let found: {value: bigint; start: bigint | null} | null = null
  for (const [index, chunk] of chunks.entries()) {
    // A chunk that begins after the row found so far cannot have an earlier one.
    if (found !== null && chunk.start !== null && chunk.start > found.value) return found.value
    if (index === chunksTried) return undefined
    const value = await firstIn(db, table, chunk, from)
    if (value === undefined) return undefined
    if (value !== null && (found === null || value < found.value)) found = {value, start: chunk.start}
  }
  return found?.value ?? null
}

/** The bound as a parameter of the time column's type, so that the server can use an index on the column. */
function boundAs(time: TimeKind): string {
  if (time === 'integer') return '$1::int8'
  return time === 'timestamptz' ? '$1::timestamptz' : "$1::timestamptz at time zone 'UTC'"
}

async function firstIn(db: Database, table: Table, chunk: Chunk, from: bigint): Promise<bigint | null | undefined> {
  const column = ident(table.timeColumn!)
  const integer = table.time === 'integer'
  const bound = integer ? from.toString() : instantOf(from)
  if (bound === null) return undefined
  const value = integer
    ? sql`min(${column})::text`
    : sql`(extract(epoch from min(${column})::timestamp) * 1000000)::int8::text`
  try {
    const question = statement(
      `select ${value.text} as value from ${ident(chunk.schema, chunk.name).text} where ${column.text} >= ` +
        `${boundAs(table.time)}`,
      [bound],
    )
    const [row] = await db.query<{value: string | null}>(question, {...readOnlySettings, statementTimeout: timeoutMs})
    return row?.value == null ? null : BigInt(row.value)
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return undefined
  }
}
