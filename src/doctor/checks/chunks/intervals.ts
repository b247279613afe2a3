import {plural} from '../../../units/plural.js'
import {readChunkBytes, writtenBytes, type ChunkBytes} from '../../../catalog/chunk-bytes.js'
import {lengthInWords} from '../../../catalog/offset-words.js'
import type {Offset} from '../../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../../catalog/snapshot.js'
import type {TableClock} from '../../../catalog/table-clock.js'
import {qualifiedName, type Chunk, type Table} from '../../../catalog/table.js'
import {fromMicros, toMicros} from '../../../catalog/time.js'
import {formatQualifiedName} from '../../../db/qualified-name.js'
import {literal} from '../../../db/sql.js'
import type {Server} from '../../../db/server.js'
import {can} from '../../../engines/index.js'
import {formatBytes} from '../../../units/bytes.js'
import {approximateSeconds} from '../../../units/duration.js'
import type {Check} from '../../check.js'
import type {CheckContext} from '../../context.js'
import {NotKnown, type Finding, type Fix} from '../../finding.js'
import {objectOf, sqlFix} from '../../shared.js'

const minute = 60_000_000n
const hour = 60n * minute
const day = 24n * hour
/** Intervals that people read at once, in microseconds. */
const lengths = [
  ...[1n, 5n, 15n].map((count) => count * minute),
  ...[1n, 2n, 6n, 12n].map((count) => count * hour),
  ...[1n, 2n, 7n, 14n, 30n, 90n].map((count) => count * day),
]
/** Fewer chunks cost nothing, whatever their size. */
const tinyFrom = 100
/** A chunk below this is mostly catalogue, planning time and half-empty pages. */
const tinyBytes = 10 * 1024 ** 2
/** What a chunk that was too small should become: small enough for any server. */
const wantedBytes = 64 * 1024 ** 2
/** Chunk ranges that are over, newest first, that tell how much is written. */
const judgedRanges = 20

interface IntervalRow {
  id: number
  length: string | null
  buffers: number
}

/** A hypertable, how it is cut, and how much is written into it. */
interface Cut {
  table: Table
  clock: TableClock
  /** Of chunks to come, microseconds. */
  interval: bigint
  /** Of the server: shared_buffers. */
  buffers: number
  /** Bytes that a chunk of this interval gets at today's rate; null: not known. */
  chunkBytes: number | null
  /** There are chunks whose range is over, and nothing is known of their sizes. */
  unmeasured: boolean
  /** Ages of its retention and its compression, microseconds. */
  retention: bigint | null
  compression: bigint | null
}

async function readCuts(context: CheckContext): Promise<Cut[]> {
  const reading = context.snapshot()
  const [rows, snapshot, bytes] = await Promise.all([
    context.ask<IntervalRow>('chunk-intervals'),
    reading,
    reading.then((read) => readRecentBytes(context, read)),
  ])
  const byId = new Map(rows.map((row) => [row.id, row]))
  return snapshot.tables.flatMap((table) => cutOf(table, snapshot, bytes, byId.get(table.id ?? -1)) ?? [])
}

/**
 * Sizes of the chunks that tell the rate, as the last VACUUM or ANALYZE saw them. Those of all 10 000 chunks took the
 * server 80 ms, these take 1 ms.
 */
function readRecentBytes({db}: CheckContext, {tables, clocks}: CatalogSnapshot): Promise<ChunkBytes> {
  const recent = tables
    .filter(({kind}) => kind === 'hypertable')
    .map((table) => ({...table, chunks: judgedRangesOf(table, clocks.get(table)!).flatMap(({chunks}) => chunks)}))
  return readChunkBytes(db, recent, true)
}

function cutOf(
  table: Table,
  {clocks, policies}: CatalogSnapshot,
  bytes: ChunkBytes,
  row: IntervalRow | undefined,
): Cut | null {
  const clock = clocks.get(table)!
  if (row?.length == null || table.kind !== 'hypertable') return null
  const interval = microsOfLength(BigInt(row.length), table, clock)
  if (interval === null) return null
  const ageOf = (kind: string) => {
    const age = policies.find((policy) => policy.table === table && policy.kind === kind)?.after ?? null
    return age === null ? null : microsOfAge(age, table, clock)
  }
  const {ranges, rate} = bytesPerMicro(table, clock, bytes)
  return {
    table,
    clock,
    interval,
    buffers: row.buffers,
    chunkBytes: rate === null ? null : rate * Number(interval),
    unmeasured: rate === null && ranges > 0,
    retention: ageOf('retention'),
    compression: ageOf('compression'),
  }
}

function microsOfLength(length: bigint, {time}: Table, {unit}: TableClock): bigint | null {
  if (time !== 'integer') return length
  return unit === null ? null : toMicros(length, unit)
}

function microsOfAge(age: Offset, table: Table, clock: TableClock): bigint | null {
  return typeof age === 'bigint'
    ? microsOfLength(age, table, clock)
    : BigInt(Math.round(approximateSeconds(age))) * 1_000_000n
}

/** The newest chunk ranges that are over, newest first. */
function judgedRangesOf(table: Table, {now}: TableClock): {length: bigint; chunks: Chunk[]}[] {
  if (now === null) return []
  const ranges = new Map<bigint, {length: bigint; chunks: Chunk[]}>()
  for (const chunk of table.chunks) {
    const {start, end, tiered} = chunk
    if (tiered || start === null || end === null || end > now) continue
    const range = ranges.get(end) ?? {length: end - start, chunks: []}
    range.chunks.push(chunk)
    ranges.set(end, range)
  }
  return [...ranges]
    .sort(([a], [b]) => (a > b ? -1 : 1))
    .slice(0, judgedRanges)
    .map(([, range]) => range)
}

/** Written into the judged ranges, before compression; null where a size is not known. */
function bytesPerMicro(table: Table, clock: TableClock, bytes: ChunkBytes): {ranges: number; rate: number | null} {
  const newest = judgedRangesOf(table, clock)
  let sum = 0
  let length = 0n
  for (const range of newest) {
    const written = range.chunks.map((chunk) => writtenBytes(chunk, bytes))
    if (written.some((each) => each === null)) continue
    sum += written.reduce<number>((total, each) => total + each!, 0)
    length += microsOfLength(range.length, table, clock) ?? 0n
  }
  return {ranges: newest.length, rate: length === 0n ? null : sum / Number(length)}
}

/** SQL that gives chunks to come another length. */
function intervalFix({table, clock}: Cut, length: bigint, schema: string): Fix {
  const value =
    table.time === 'integer' ? String(fromMicros(length, clock.unit!)) : `interval '${lengthInWords(length, 'time')}'`
  const call = formatQualifiedName(schema, 'set_chunk_time_interval')
  return sqlFix(`select ${call}(${literal(qualifiedName(table)).text}, ${value})`)
}

function finding(cut: Cut, length: bigint, context: CheckContext, message: string): Finding {
  const {table, interval, chunkBytes, retention, compression, buffers} = cut
  const seconds = (micros: bigint | null) => (micros === null ? null : Number(micros / 1_000_000n))
  return {
    severity: 'warning',
    object: objectOf(table),
    message,
    data: {
      intervalSeconds: seconds(interval),
      suggestedSeconds: seconds(length),
      chunkBytes: chunkBytes === null ? null : Math.round(chunkBytes),
      sharedBuffersBytes: buffers,
      retentionSeconds: seconds(retention),
      compressionSeconds: seconds(compression),
      chunks: table.chunks.length,
    },
    fix: intervalFix(cut, length, context.server.timescaledbSchema!),
  }
}

const largest = (fits: (length: bigint) => boolean): bigint => lengths.findLast(fits) ?? lengths[0]!

/** Indexes and rows of the newest chunk are what inserts and most reads work on: it has to stay in memory. */
function tooLong(cut: Cut, context: CheckContext): Finding[] {
  const {interval, chunkBytes, buffers} = cut
  if (chunkBytes === null || chunkBytes <= buffers || interval <= lengths[0]!) return []
  const bytesOf = (length: bigint) => (chunkBytes * Number(length)) / Number(interval)
  // Half, because other tables need memory too.
  const length = largest((each) => each < interval && bytesOf(each) <= buffers / 2)
  return [
    finding(
      cut,
      length,
      context,
      `A chunk of ${lengthInWords(interval, 'time')} holds about ${formatBytes(chunkBytes)} with its indexes, ` +
        `more than shared_buffers (${formatBytes(buffers)}): inserts and reads of new rows go to disk. Existing ` +
        'chunks stay as they are.',
    ),
  ]
}

/** The longest interval that retention and compression allow. */
function atMost({retention, compression}: Cut): bigint | null {
  const limits = [...(retention === null ? [] : [retention / 4n]), ...(compression === null ? [] : [compression])]
  return limits.length === 0 ? null : limits.reduce((least, each) => (each < least ? each : least))
}

function tooShort(cut: Cut, context: CheckContext): Finding[] {
  const {table, interval, chunkBytes} = cut
  if (chunkBytes === null || chunkBytes >= tinyBytes || table.chunks.length < tinyFrom) return []
  const limit = atMost(cut)
  const bytesOf = (length: bigint) => (chunkBytes * Number(length)) / Number(interval)
  const allowed = lengths.filter((each) => limit === null || each <= limit)
  const length = allowed.find((each) => bytesOf(each) >= wantedBytes) ?? allowed.at(-1)
  if (length === undefined || length <= interval) return []
  return [
    finding(
      cut,
      length,
      context,
      `${table.chunks.length} chunks of ${lengthInWords(interval, 'time')} with about ${formatBytes(chunkBytes)} ` +
        'each; each of them costs planning time, locks and half-empty pages. Existing chunks stay as they are.',
    ),
  ]
}

/** A chunk is dropped or compressed as a whole, when its newest row is old enough. */
function againstAges(cut: Cut, context: CheckContext): Finding[] {
  const {interval, retention, compression} = cut
  const tooLongFor = [
    ...(retention !== null && interval >= retention ? ['retention'] : []),
    ...(compression !== null && interval > compression ? ['compression'] : []),
  ]
  if (tooLongFor.length === 0) return []
  const limit = atMost(cut)!
  const ages = [
    ...(retention === null ? [] : [`retention after ${lengthInWords(retention, 'time')}`]),
    ...(compression === null ? [] : [`compression after ${lengthInWords(compression, 'time')}`]),
  ]
  const consequence = tooLongFor.includes('retention')
    ? 'a chunk is dropped as a whole, so rows stay up to twice as long as the policy says'
    : 'a chunk is compressed as a whole, so rows stay uncompressed much longer than the policy says'
  return [
    finding(
      cut,
      largest((each) => each <= limit),
      context,
      `Chunks of ${lengthInWords(interval, 'time')} with ${ages.join(' and ')}: ${consequence}. Existing chunks ` +
        'stay as they are.',
    ),
  ]
}

/**
 * What is found in the tables; if that is nothing, and chunks were never analyzed, the check does not pass.
 * @param atLeast only tables with so many chunks matter to the check
 */
async function judged(
  context: CheckContext,
  judge: (cut: Cut, context: CheckContext) => Finding[],
  atLeast: number,
): Promise<Finding[]> {
  const cuts = await context.once(readCuts)
  const findings = cuts.flatMap((cut) => judge(cut, context))
  const unknown = cuts.filter(({table, unmeasured}) => unmeasured && table.chunks.length >= atLeast)
  if (findings.length > 0 || unknown.length === 0) return findings
  throw new NotKnown(
    `The sizes of the chunks of ${plural(unknown.length, 'table')} are not known, because they were never analyzed.`,
    sqlFix(unknown.map(({table}) => `analyze ${qualifiedName(table)}`).join('; ')),
  )
}

const applies = ({engine}: Server) => can(engine, 'hypertables')

export const intervalChecks: readonly Check[] = [
  {
    id: 'chunks.interval_long',
    about: 'tables',
    applies,
    passes: 'The newest chunk of each table fits into shared_buffers.',
    problem: 'chunks that do not fit into memory',
    run: (context) => judged(context, tooLong, 1),
  },
  {
    id: 'chunks.interval_short',
    about: 'tables',
    applies,
    passes: 'No table is cut into many tiny chunks.',
    problem: 'many tiny chunks',
    run: (context) => judged(context, tooShort, tinyFrom),
  },
  {
    id: 'chunks.interval_ages',
    about: 'tables',
    applies,
    passes: 'Chunks are shorter than the ages of retention and compression.',
    problem: 'chunks that are longer than the age at which they are dropped or compressed',
    run: async (context) => (await context.once(readCuts)).flatMap((cut) => againstAges(cut, context)),
  },
]
