import {readCoverage, shareBucket, type Coverage} from '../aggregates/coverage.js'
import {findRows} from '../aggregates/rows.js'
import {overlaps} from '../catalog/span.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {fromMicros} from '../catalog/time.js'
import type {Database} from '../db/database.js'
import type {ExportSettings} from '../export/settings.js'
import type {Plan} from '../run/step.js'
import type {Duration} from '../units/duration.js'
import type {Context} from './context.js'
import {gapWords} from './drop-coverage.js'
import {requireDroppable} from './drop.js'
import {groupByRange} from './drop-ranges.js'
import type {DropRange} from './drop-steps.js'
import {chunkLabel, countChunks, excludeProtected} from './hypertable.js'
import {planDrops} from './plan-drops.js'
import {cutoffOf, type Cutoff} from './range.js'

export interface RetainChunksRequest {
  context: Pick<Context, 'table' | 'tables' | 'clock'>
  /** Age of a chunk's end. */
  after: Duration
  exportTo: ExportSettings
  /** Maximum number of chunks; a single range may have more. Null: no limit. */
  most: number | null
}

/** Chunks that are due and that the plan keeps. */
export interface KeptChunks {
  chunks: readonly Chunk[]
  /** Why, as a clause. */
  why: string
}

export interface RetainChunksPlan {
  plan: Plan
  kept: KeptChunks[]
  notes: string[]
}

/**
 * Plans a gated retention that exports: each chunk that is due is exported, its file verified, and then dropped. It
 * keeps what qicore.retain keeps: the newest range, ranges that an aggregate has not covered, and all of them if the
 * newest row is older than the retention. A range that is kept does not stop the later ones.
 * @throws OpsError NOT_A_HYPERTABLE, DEPENDENTS, NO_CLOCK, NO_PRIVILEGE
 */
export async function planRetainChunks(db: Database, request: RetainChunksRequest): Promise<RetainChunksPlan> {
  const {context, exportTo, most} = request
  const {table, clock} = context
  await requireDroppable(db, table)
  const cutoff = cutoffOf(table, clock, {age: request.after})
  const {rest, notes} = excludeProtected(dueChunks(table, cutoff))
  const due = groupByRange(rest)
  const stopped = due.length === 0 ? null : await feedStopped(db, context, cutoff)
  if (stopped !== null)
    return {plan: planOf(table, exportTo, cutoff, [], []), kept: [{chunks: rest, why: stopped}], notes}
  const spans = due.map(({span}) => span)
  const coverage = await readCoverage(db, {...context, spans, present: clock.now, compareRows: true})
  const judged = judge(table, coverage, due)
  const chosen = limited(
    judged.filter(({why}) => why === null),
    most,
  )
  const chunks = chosen.flatMap(({range}) => range.chunks)
  const drops = await planDrops(db, {table, clock, ranges: chosen, guarded: coverage, dependsOn: [], exportTo})
  return {
    plan: planOf(table, exportTo, cutoff, chunks, drops.steps),
    kept: judged.flatMap(({range, why}) => (why === null ? [] : [{chunks: range.chunks, why}])),
    notes: [...notes, ...drops.notes],
  }
}

/** Chunks that end before the cutoff, without those of the newest range, which is never dropped. */
function dueChunks({chunks}: Table, {point}: Cutoff): Chunk[] {
  const newest = chunks.reduce<bigint | null>(
    (latest, {start}) => (start !== null && (latest === null || start > latest) ? start : latest),
    null,
  )
  return chunks.filter(({start, end}) => end !== null && end <= point && start !== newest)
}

const dayInMicros = 86_400_000_000n

/**
 * If no row is as young as the retention, the feed may have stopped, and these chunks may be the last copy. Rows more
 * than a day in the future do not show that it is alive.
 */
async function feedStopped(
  db: Database,
  {table, clock}: RetainChunksRequest['context'],
  {point}: Cutoff,
): Promise<string | null> {
  const day = table.time === 'integer' ? fromMicros(dayInMicros, clock.unit!) : dayInMicros
  const recent = await findRows(db, {aggregate: table}, {start: point, end: clock.now! + day})
  if (recent === null) return `the newest row of ${qualifiedName(table)} cannot be read`
  return recent ? null : 'the newest row is older than the retention, so these may be the last copy'
}

interface JudgedRange {
  range: DropRange
  index: number
  /** Why it is kept; null: it is dropped. */
  why: string | null
}

/** A range is kept also as long as an older one is kept that has rows of the same bucket. */
function judge(table: Table, coverage: readonly Coverage[], due: readonly DropRange[]): JudgedRange[] {
  const judged: JudgedRange[] = []
  for (const [index, range] of due.entries()) {
    const before = judged.at(-1)
    const follows = before !== undefined && before.why !== null && shareBucket(coverage, before.index, range.span)
    const why =
      whyKept(table, coverage, index) ?? (follows ? 'an older chunk with rows of the same bucket is kept' : null)
    judged.push({range, index, why})
  }
  return judged
}

/** Why the aggregates over the table keep a range; null if they have computed all of its rows. */
function whyKept(table: Table, coverage: readonly Coverage[], index: number): string | null {
  for (const each of coverage) {
    const need = each.needs[index]
    if (need == null) continue
    const gaps = each.gaps.filter((gap) => overlaps(gap, need))
    if (gaps.length > 0 || each.blind) return gapWords(table, {...each, gaps})
  }
  return null
}

/** The oldest ranges with at most so many chunks, but at least one range. */
function limited<T extends {range: DropRange}>(ranges: readonly T[], most: number | null): T[] {
  if (most === null) return [...ranges]
  let count = 0
  const chosen: T[] = []
  for (const each of ranges) {
    count += each.range.chunks.length
    if (chosen.length > 0 && count > most) break
    chosen.push(each)
  }
  return chosen
}

function planOf(
  table: Table,
  exportTo: ExportSettings,
  cutoff: Cutoff,
  chunks: readonly Chunk[],
  steps: Plan['steps'],
): Plan {
  return {
    operation: `retain ${qualifiedName(table)}`,
    summary:
      `export ${countChunks(chunks.length)} of ${qualifiedName(table)} older than ${cutoff.words} to ` +
      `${exportTo.to}, and drop them`,
    cutoff: cutoff.instant,
    tables: [qualifiedName(table)],
    locks: [],
    steps,
  }
}

/** One sentence for all chunks that are kept for the same reason. */
export function keptLines(table: Table, kept: readonly KeptChunks[]): string[] {
  return kept.map(
    ({chunks, why}) => `${qualifiedName(table)}: ${chunks.map(chunkLabel).join(', ')} due and not dropped: ${why}`,
  )
}
