import {rowsAreVisible} from '../db/condition.js'
import {batching} from '../db/batching.js'
import {readOnlySettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, raw, sql, statement, type Fragment, type Statement} from '../db/sql.js'
import {isConnectionLost, isNodeLost, sqlState, SqlState} from '../db/sqlstate.js'
import {epochMicros} from '../units/instant.js'
import {has, newChunk, type Chunk, type Table} from './table.js'
import {microsOfUuid, type TimeKind} from './time.js'
import {pointOf as keyPointOf} from './time-key.js'

/** The smallest and the largest value of a time column: microseconds since 1970, or the integer. */
export interface TimeRange {
  oldest: bigint | null
  newest: bigint | null
}

export type Side = keyof TimeRange

/** Why an end is not known. */
export type EndProblem = 'privilege' | 'slow' | 'locked' | 'empty' | 'unranged' | 'unreadable' | 'unreachable'

interface Ask {
  table: Table
  side: Side
  /** Chunks that may contain the end, nearest first; the chunks of one group have the same range. */
  groups: readonly (readonly Chunk[])[]
}

// An index on the time column, or the metadata of a compressed chunk, answers faster: if it takes longer, both are
// missing.
const timeoutMs = 1_000
// Tables a statement. If a statement fails, its tables are queried in halves.
const batchSize = 16
// Partitions created ahead are empty, so 1, 2, 4 … ranges are read in turn, 95 in all.
const rounds = 7
const rangesAtOnce = 32
const unrangedTried = 32

/**
 * The time ranges of tables, and why an end is not known. Queries the outermost chunks, never the table, which would
 * lock every chunk. Skips a limited number of empty ranges, and never waits for a locked chunk.
 * @param reading relations that are locked; may still be being read
 */
export async function readTimeRanges(
  db: Database,
  tables: readonly Table[],
  reading: ReadonlySet<number> | Promise<ReadonlySet<number>>,
): Promise<{ends: Map<Table, TimeRange>; problems: Map<Table, EndProblem>}> {
  const ends = new Map(tables.map((table) => [table, {oldest: null, newest: null} as TimeRange]))
  const problems = new Map<Table, EndProblem>()
  let asks: Ask[] = []
  for (const table of tables) {
    if (table.timeColumn === null || table.time === 'other') continue
    // The headline of the report names the condition.
    if (table.id !== null && !rowsAreVisible(db.server)) continue
    if (table.chunks.filter(unranged).length > unrangedTried) {
      problems.set(table, 'unranged')
      continue
    }
    for (const side of ['oldest', 'newest'] as const) asks.push({table, side, groups: groupsOf(chunksOf(table), side)})
  }
  const compressed = new Map<number, CompressedEnds | null>()
  const nearest = asks.flatMap(({table, groups}) => (groups[0] ?? []).map((chunk) => ({chunk, table})))
  const [locked] = await Promise.all([reading, addCompressedEnds(db, nearest, compressed)])
  for (let round = 0; round < rounds && asks.length > 0; round += 1) {
    const open = asks.flatMap((ask) => {
      if (ask.groups.length === 0) return []
      const wanted = ask.groups.slice(0, Math.min(2 ** round, rangesAtOnce))
      const firstLocked = wanted.findIndex((group) =>
        group.some(
          (chunk) => locked.has(chunk.relation) || (chunk.compressed !== null && locked.has(chunk.compressed)),
        ),
      )
      // A locked chunk may contain the end, so the next range cannot answer.
      if (firstLocked === 0) {
        problems.set(ask.table, 'locked')
        return []
      }
      const free = firstLocked === -1 ? wanted : wanted.slice(0, firstLocked)
      return [{ask: {...ask, groups: ask.groups.slice(free.length)}, chunks: free.flat()}]
    })
    const answers = await answer(db, open, problems, compressed)
    asks = []
    for (const {ask} of open) {
      const value = answers.get(ask)
      if (value === undefined) continue
      if (value !== null) ends.get(ask.table)![ask.side] = value
      else if (ask.groups.length > 0) asks.push(ask)
    }
  }
  for (const {table} of asks) problems.set(table, 'empty')
  return {ends, problems}
}

interface Open {
  ask: Ask
  chunks: readonly Chunk[]
}

/** The ends that were read: null if there is no row; missing if the query failed. */
async function answer(
  db: Database,
  open: readonly Open[],
  problems: Map<Table, EndProblem>,
  compressed: Map<number, CompressedEnds | null>,
): Promise<Map<Ask, bigint | null>> {
  const answers = new Map<Ask, bigint | null>()
  const asked = open.flatMap(({ask: {table}, chunks}) => chunks.map((chunk) => ({chunk, table})))
  await addCompressedEnds(db, asked, compressed)
  const batch = batching(db)
  const parts: Open[][] = []
  for (let at = 0; at < open.length; at += batchSize) parts.push(open.slice(at, at + batchSize))
  await Promise.all(parts.map(readPart))
  return answers

  async function readPart(part: readonly Open[]): Promise<void> {
    try {
      const rows = await batch.query<{n: number; value: string | null}>(question(part, compressed), {
        ...readOnlySettings,
        statementTimeout: timeoutMs,
      })
      for (const {n, value} of rows) {
        const {ask} = part[n]!
        const end = value === null ? null : pointOf(value, ask.table.time)
        // A row at infinity is the end, but has no instant.
        if (value !== null && end === null) problems.set(ask.table, 'unreadable')
        else answers.set(ask, end)
      }
    } catch (error) {
      if (isConnectionLost(error)) throw error
      if (part.length === 1) return void problems.set(part[0]!.ask.table, problemOf(error))
      const middle = Math.ceil(part.length / 2)
      await Promise.all([readPart(part.slice(0, middle)), readPart(part.slice(middle))])
    }
  }
}

function problemOf(error: unknown): EndProblem {
  if (isNodeLost(error)) return 'unreachable'
  const state = sqlState(error)
  if (state === SqlState.noPrivilege) return 'privilege'
  if (state === SqlState.canceled) return 'slow'
  return state === SqlState.lockNotAvailable ? 'locked' : 'unreadable'
}

function question(part: readonly Open[], compressed: ReadonlyMap<number, CompressedEnds | null>): Statement {
  const selects = part.map(({ask, chunks}, n) => {
    const order = raw(ask.side === 'newest' ? 'desc' : 'asc')
    return (
      `select ${n} as n, (select v::text from ` +
      `(${chunks.map((chunk) => pieceOf(ask, chunk, order, compressed)).join(' union all ')}) as u order by v ` +
      `${order.text} limit 1) as value`
    )
  })
  return statement(selects.join(' union all '))
}

/** ORDER BY with LIMIT instead of min and max: there is no max(uuid), and both use an index. */
function pieceOf(
  {table, side}: Ask,
  chunk: Chunk,
  order: Fragment,
  compressed: ReadonlyMap<number, CompressedEnds | null>,
): string {
  const column = ident(table.timeColumn!)
  const plain =
    sql`(select ${column} as v from only ${ident(chunk.schema, chunk.name)} where ${column} is not null order by 1 ${order} limit 1)`
      .text
  if (!has(chunk.status, 'compressed')) return plain
  const recorded = compressed.get(chunk.relation)
  // Without metadata of the time column the chunk has to be decompressed, up to the timeout.
  if (recorded == null) return plain.replace('from only ', 'from ')
  const end = ident(side === 'newest' ? recorded.high : recorded.low)
  return (
    `${plain} union all ` +
    `${sql`(select ${end} as v from ${ident(recorded.schema, recorded.name)} where ${end} is not null order by 1 ${order} limit 1)`.text}`
  )
}

interface CompressedEnds {
  schema: string
  name: string
  low: string
  high: string
}

/** Adds those of the compressed chunks that are not there yet; a chunk may have none. */
async function addCompressedEnds(
  db: Database,
  asked: readonly {chunk: Chunk; table: Table}[],
  known: Map<number, CompressedEnds | null>,
): Promise<void> {
  const wanted = asked.filter(({chunk}) => chunk.compressed !== null && !known.has(chunk.relation))
  if (wanted.length === 0) return
  const rows = await db.query<CompressedEnds & {chunk: number}>(
    statement(loadSql('catalog/compressed-ends'), [
      wanted.map(({chunk}) => chunk.relation),
      wanted.map(({chunk}) => chunk.compressed!),
      wanted.map(({table}) => table.timeColumn!),
    ]),
  )
  for (const {chunk} of wanted) known.set(chunk.relation, null)
  for (const row of rows) known.set(row.chunk, row)
}

/** An emulated aggregate has no chunks: its table is treated as one chunk without a range. */
function chunksOf(table: Table): readonly Chunk[] {
  if (table.kind !== 'aggregate' || table.id !== null) return table.chunks
  const {relation, storage} = table
  return [newChunk({...storage, relation})]
}

function unranged({start, end}: Chunk): boolean {
  return start === null && end === null
}

/**
 * Nearest to the end first. Partitions without a range (DEFAULT, lists) may have any time and are in the first group.
 */
function groupsOf(chunks: readonly Chunk[], side: Side): Chunk[][] {
  const groups = new Map<string, Chunk[]>()
  const anywhere: Chunk[] = []
  for (const chunk of chunks) {
    if (chunk.tiered) continue
    if (unranged(chunk)) anywhere.push(chunk)
    else {
      const key = `${chunk.start}/${chunk.end}`
      groups.set(key, [...(groups.get(key) ?? []), chunk])
    }
  }
  const near = (group: readonly Chunk[]) => (side === 'newest' ? group[0]!.end : group[0]!.start)
  const sorted = [...groups.values()].sort((a, b) => compareEnds(near(a), near(b), side))
  return anywhere.length === 0 ? sorted : [[...anywhere, ...(sorted[0] ?? [])], ...sorted.slice(1)]
}

function compareEnds(a: bigint | null, b: bigint | null, side: Side): number {
  if (a === b) return 0
  // A chunk without a bound on that side is the outermost.
  if (a === null) return -1
  if (b === null) return 1
  return (a < b ? -1 : 1) * (side === 'newest' ? -1 : 1)
}

/** Parses the server's text under DateStyle ISO and TimeZone UTC; null for infinity. */
function pointOf(text: string, kind: TimeKind): bigint | null {
  if (kind === 'integer') return BigInt(text)
  if (kind === 'uuid') return microsOfUuid(text)
  if (kind === 'ulid') return keyPointOf({kind, type: 'text'}, text)
  // `2026-03-29`, `2026-03-29 02:30:00`, `2026-03-29 02:30:00+00`; the year may have more digits, or be BC.
  const [, day, time = '00:00:00', bc = ''] =
    /^(\d+-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?)?( BC)?$/.exec(text) ?? []
  return day === undefined ? null : epochMicros(`${day}T${time}Z${bc}`)
}
