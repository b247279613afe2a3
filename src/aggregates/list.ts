import {batching} from '../db/batching.js'
import {rowsAreVisible} from '../db/condition.js'
import type {Database} from '../db/database.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import {readChunks} from '../catalog/read-tables.js'
import {readChunkBytes, type ChunkBytes} from '../catalog/chunk-bytes.js'
import {microsIn, type TableClock} from '../catalog/table-clock.js'
import {ago} from '../catalog/ages.js'
import type {LivePolicy, Offset} from '../catalog/live-policies.js'
import {formatInteger} from '../catalog/format-point.js'
import {totalOf} from '../catalog/total-bytes.js'
import {readSnapshot, type ReportHead, type CatalogSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {readMissingPrivileges} from '../catalog/missing-privileges.js'
import {instantOf, type TimeUnit} from '../catalog/time.js'
import {durationInWords} from '../units/duration.js'
import {secondsBetween, type Instant} from '../units/instant.js'
import {findRows} from './rows.js'
import {lowest, merge, spanOf, type Span} from '../catalog/span.js'
import {bucketsOf} from './subject.js'

/** A point on a table's scale in JSON: an instant, or the integer if its unit is not known. */
export type Point = Instant | number | string

export interface AggregateRow {
  schema: string
  view: string
  source: {schema: string; table: string} | null
  bucket: string | null
  /** End of the computed range; null if nothing is computed. */
  watermark: Point | null
  lagSeconds: number | null
  /** Ranges below the watermark that changed since they were computed; null if that is not known. */
  pending: {ranges: number; from: Point | null; to: Point | null} | null
  totalBytes: number | null
  policy: {
    startOffset: string | null
    endOffset: string | null
    every: string | null
    job: number | null
    paused: boolean
  } | null
  /** Start of the oldest chunk of the source. */
  rawFrom: Point | null
  /**
   * The aggregate has rows from before `rawFrom`, which cannot be computed again. This and `policyReachesGone` are null
   * if rows cannot be read.
   */
  rawGone: boolean | null
  /** The window of its refresh policy includes rows that are gone. */
  policyReachesGone: boolean | null
}

export interface AggregatesReport extends ReportHead<'aggregates.list'> {
  aggregates: AggregateRow[]
  /** What could not be read, with the missing privilege. */
  notes: string[]
}

/**
 * Every aggregate with its watermark, what is pending, and whether rows of its source are gone.
 * @param known the snapshot and the sizes of every table, if the caller has read them already
 */
export async function readAggregates(
  db: Database,
  timeUnits: ReadonlyMap<string, TimeUnit>,
  known: {snapshot?: CatalogSnapshot; bytes?: ChunkBytes} = {},
): Promise<AggregatesReport> {
  const snapshot = known.snapshot ?? (await readSnapshot(db, {lateAfter: 0, timeUnits}))
  const aggregates = snapshot.tables.filter(({kind}) => kind === 'aggregate')
  const sources = new Set(aggregates.flatMap(({aggregate}) => aggregate?.source ?? []))
  // The snapshot of one table lacks the chunks of the others.
  await readChunks(
    db,
    [...sources].filter((source) => source.chunks.length === 0 && !snapshot.tables.includes(source)),
  )
  const measuring = Promise.resolve(known.bytes ?? readChunkBytes(db, aggregates, false))
  const batch = batching(db)
  const rows = await Promise.all(aggregates.map((aggregate) => rowOf(batch, aggregate, snapshot, measuring)))
  const unread = aggregates.filter((_, index) => rows[index]!.source !== null && isUnread(rows[index]!))
  const asked = unread.flatMap((aggregate) => [aggregate, aggregate.aggregate?.source ?? aggregate])
  const rowsUnder = (table: Table) =>
    rows.filter((_, index) => [aggregates[index], aggregates[index]!.aggregate?.source].includes(table))
  const missing = rowsAreVisible(db.server) ? await readMissingPrivileges(db, [...new Set(asked)]) : new Map()
  return {
    kind: 'aggregates.list',
    version: 1,
    target: null,
    at: snapshot.at,
    aggregates: [...rows].sort((a, b) => (a.schema + a.view < b.schema + b.view ? -1 : 1)),
    notes: [...missing].map(
      ([table, grants]: [Table, string]) =>
        `This role may not read ${qualifiedName(table)}, so ${unknownOf(rowsUnder(table))}. To allow it: ${grants}`,
    ),
  }
}

function isUnread({pending, rawGone}: AggregateRow): boolean {
  return pending === null || rawGone === null
}

/**
 * What is not known of aggregates: pending ranges are often in the catalog, which every role reads, and rows are not.
 */
function unknownOf(rows: readonly AggregateRow[]): string {
  const ranges = rows.some(({pending}) => pending === null) ? ['what is pending'] : []
  const gone = rows.some(({rawGone}) => rawGone === null) ? ['whether source rows are gone'] : []
  const what = [...ranges, ...gone]
  return `${what.join(' and ')} ${what.length > 1 ? 'are' : 'is'} unknown`
}

/** Null if this role lacks the privilege. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return null
    throw error
  }
}

async function rowOf(
  db: Database,
  aggregate: Table,
  {at, policies, clocks}: CatalogSnapshot,
  measuring: Promise<ChunkBytes>,
): Promise<AggregateRow> {
  const clock = clocks.get(aggregate)!
  const {source, watermark, bucketWidth} = aggregate.aggregate!
  const policy = policies.find(({table, kind}) => table === aggregate && kind === 'refresh') ?? null
  const oldest = source === null ? null : (merge(source.chunks.map(spanOf))[0]?.start ?? null)
  const rawFrom = oldest === null || oldest <= lowest ? null : oldest
  const visible = rowsAreVisible(db.server)
  const gone = visible && rawFrom !== null ? unlessRefused(rowsBefore(db, aggregate, source!, rawFrom)) : null
  const point = (value: bigint | null) => formatInteger(value, aggregate, clock)
  const span = {start: rawFrom ?? lowest, end: pendingUntil(aggregate, clock, rawFrom)}
  const asked = visible && source !== null ? unlessRefused(pendingOf(db, aggregate, source, span)) : null
  const [found, pending, bytes] = await Promise.all([gone, asked, measuring])
  const rawGone = visible && rawFrom === null ? false : found
  const micros = watermark === null ? null : microsIn(watermark, aggregate, clock)
  const computed = micros === null ? null : instantOf(micros)
  return {
    schema: aggregate.schema,
    view: aggregate.name,
    source: source === null ? null : {schema: source.schema, table: source.name},
    bucket: bucketWidth === null ? null : words(bucketWidth),
    watermark: point(watermark),
    lagSeconds: computed === null ? null : secondsBetween(computed, at),
    pending:
      pending === null
        ? null
        : {ranges: pending.length, from: point(pending[0]?.start ?? null), to: point(pending.at(-1)?.end ?? null)},
    totalBytes: totalOf(aggregate, bytes).total,
    policy: policy === null ? null : policyOf(policy),
    rawFrom: point(rawFrom),
    rawGone,
    policyReachesGone: rawGone === null ? null : rawGone && policy !== null && affectsData(policy, clock, rawFrom!),
  }
}

async function pendingOf(db: Database, aggregate: Table, source: Table, span: Span): Promise<Span[]> {
  if (span.start >= span.end) return []
  const gaps = merge((await bucketsOf(db, {aggregate, source}, [span])).flatMap((each) => each.gaps))
  // In whole buckets, so that aggregates refresh accepts the range as printed.
  return merge((await bucketsOf(db, {aggregate, source}, gaps)).map(({whole}) => whole))
}

/** The end of what can be pending: the watermark; for an aggregate that has computed none of the rows, now. */
function pendingUntil({aggregate}: Table, {now}: TableClock, rawFrom: bigint | null): bigint {
  const {watermark, source} = aggregate!
  if (watermark !== null && (rawFrom === null || watermark > rawFrom)) return watermark
  const newest = merge((source?.chunks ?? []).map(spanOf)).at(-1)?.end ?? lowest
  return now !== null && now < newest ? now : newest
}

async function rowsBefore(db: Database, aggregate: Table, source: Table, point: bigint): Promise<boolean | null> {
  const [at] = await bucketsOf(db, {aggregate, source}, [{start: point, end: point}])
  return findRows(db, {aggregate}, {start: lowest, end: at?.whole.start ?? point})
}

function affectsData({startOffset}: LivePolicy, clock: TableClock, point: bigint): boolean {
  if (startOffset === null) return true
  const from = ago(clock, startOffset)
  return from !== null && from < point
}

function policyOf({startOffset, endOffset, schedule, job}: LivePolicy): AggregateRow['policy'] {
  const shownOffset = (offset: Offset | null) => (offset === null ? null : words(offset))
  return {
    startOffset: shownOffset(startOffset),
    endOffset: shownOffset(endOffset),
    every: shownOffset(schedule),
    job: job?.id ?? null,
    paused: job !== null && !job.scheduled,
  }
}

function words(offset: Offset): string {
  return typeof offset === 'bigint' ? String(offset) : durationInWords(offset)
}
