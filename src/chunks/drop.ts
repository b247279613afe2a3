import type {DropRequest} from './drop-request.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {command} from '../units/command.js'
import {microsIn, type TableClock} from '../catalog/table-clock.js'
import {formatInteger} from '../catalog/format-point.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import type {Coverage} from '../aggregates/coverage.js'
import {readFilters} from '../aggregates/filters.js'
import {countRows} from './count-rows.js'
import {retentionDisagrees} from './policy-conflicts.js'
import {coverFirst, requireCoverage} from './drop-coverage.js'
import {groupByRange, total} from './drop-ranges.js'
import {planDrops} from './plan-drops.js'
import {excludeProtected, oldestFirst, requireChunks, countChunks, type PlannedChange} from './hypertable.js'
import {publishedDropNotes, readLogicalReaders} from './logical-readers.js'
import {cutoffOf, type Age} from './range.js'

/** What a drop deletes; the operator confirms it. */
export interface DropFacts {
  chunks: {chunk: Chunk; rows: number | null; bytes: number | null}[]
  /** Null if not all chunks could be counted in time. */
  rows: number | null
  bytes: number | null
  coverage: Coverage[]
  /** Whether an aggregate's query can leave rows out (WHERE, HAVING, a join); absent if it could not be read. */
  filters: ReadonlyMap<Coverage, boolean>
  /** Tables that each drop locks briefly, because the table references them. */
  referenced: string[]
}

export interface PlannedDrop extends PlannedChange {
  facts: DropFacts
}

/**
 * Plans the drop of the chunks that are entirely older than a cutoff. One transaction a time range.
 * @throws OpsError NOT_COVERED (exit 7) if an aggregate has not computed all of their rows; DEPENDENTS if a foreign key
 * references the table; NO_RANGE, NOT_A_HYPERTABLE, NO_CLOCK, NO_PRIVILEGE
 */
export async function planDrop(db: Database, request: DropRequest): Promise<PlannedDrop> {
  const {table, clock, acceptLoss} = request
  await requireDroppable(db, table)
  const cutoff = cutoffOf(table, clock, request.olderThan ?? retained(request))
  const old = table.chunks.filter(({end}) => end !== null && end <= cutoff.point)
  const {rest, notes} = excludeProtected(old)
  const ranges = groupByRange(rest).slice(0, request.atMost)
  const chunksToDrop = ranges.flatMap(({chunks}) => chunks)
  const first =
    acceptLoss || !request.refreshFirst
      ? {steps: [] as Step[], tables: [] as string[]}
      : await coverFirst(db, request, ranges)
  const coverage = await requireCoverage(db, request, ranges, first.steps.length > 0)
  const readers = await readLogicalReaders(db, table, table.chunks)
  const rows = await countRows(db, chunksToDrop)
  const exportTo = request.exportTo ?? (request.olderThan === null ? (request.policyExport ?? null) : null)
  const {bytes, referenced, ...drops} = await planDrops(db, {
    table,
    clock,
    ranges: ranges.map((range, index) => ({range, index})),
    guarded: acceptLoss ? null : coverage,
    dependsOn: first.steps.map(({id}) => id),
    exportTo,
  })
  const facts = {
    chunks: chunksToDrop.map((chunk) => ({chunk, rows: rows.get(chunk) ?? null, bytes: bytes.get(chunk) ?? null})),
    rows: total(chunksToDrop, rows),
    bytes: total(chunksToDrop, bytes),
    coverage,
    filters: await readFilters(db, coverage),
    referenced: chunksToDrop.length > 0 ? referenced : [],
  }
  return {
    plan: {
      operation: `chunks drop ${qualifiedName(table)}`,
      summary:
        `${exportTo === null ? '' : 'export and '}drop ${countChunks(chunksToDrop.length)} of ` +
        `${qualifiedName(table)} older than ${cutoff.words}`,
      cutoff: cutoff.instant,
      tables: [qualifiedName(table), ...first.tables],
      locks: [],
      steps: [...first.steps, ...drops.steps],
    },
    notes: [
      ...notes,
      ...drops.notes,
      ...warnings(table, chunksToDrop, facts),
      ...(old.length === 0 ? [nothingOld(table, clock)] : []),
      ...publishedDropNotes(readers, chunksToDrop),
      ...(await dependentNotes(db, chunksToDrop)),
      ...retentionDisagrees(request, chunksToDrop),
      ...(exportTo === null ? notExported(request, chunksToDrop) : []),
    ],
    facts,
  }
}

/**
 * Refuses what has no chunks that can be dropped by age.
 * @throws OpsError NOT_A_HYPERTABLE, DEPENDENTS, NO_CLOCK, NO_PRIVILEGE
 */
export async function requireDroppable(db: Database, table: Table): Promise<void> {
  await requireChunks(db, table)
  await requireNoKeys(db, table)
  if (table.time === 'other')
    throw usageError(
      'NO_CLOCK',
      `The time column of ${qualifiedName(table)} has a type that qicore-db cannot read, so the age of its chunks ` +
        'is not known.',
    )
}

/**
 * Refuses tables that a foreign key references. Up to 2.28 TimescaleDB may drop the whole key with the first chunk
 * (2.22 does); 2.29 drops no chunk of such a table.
 */
async function requireNoKeys(db: Database, table: Table): Promise<void> {
  const keys = await db.query<{name: string; of: string}>(
    statement(loadSql('chunks/foreign-keys-into'), [table.relation]),
  )
  if (keys.length === 0) return
  const names = keys.map(({name, of}) => `the foreign key ${name} of ${of}`).join(' and ')
  const what =
    db.server.chunkCatalog === 'relid'
      ? `TimescaleDB drops no chunk of ${qualifiedName(table)} because of ${names}.`
      : `together with a chunk of ${qualifiedName(table)} TimescaleDB would drop ${names}, for all rows.`
  throw usageError(
    'DEPENDENTS',
    `Nothing was dropped: ${what}`,
    keys.map(
      ({name, of}) =>
        `If the foreign key is not needed, drop it and try again: alter table ${of} drop constraint ${name}`,
    ),
  )
}

function retained({table, policies, declared}: DropRequest): Age {
  const own = policies.filter((policy) => policy.kind === 'retention' && policy.table === table)
  if (own.length > 1)
    throw usageError(
      'POLICY_TWICE',
      `${qualifiedName(table)} has ${own.length} retention policies, so its age is ambiguous. Nothing was dropped.`,
      [
        'Give --older-than 2y, or an instant.',
        `To list them with the commands that remove one: ${command('policies status', [qualifiedName(table)])}`,
      ],
    )
  if (declared === null && own.some(({after, createdBefore}) => after === null && createdBefore !== null))
    throw usageError(
      'NO_RANGE',
      `The retention of ${qualifiedName(table)} depends on the creation of a chunk, not on the age of its rows.`,
      ['Give --older-than 2y, or an instant, which depends on the age of rows.'],
    )
  const live = own[0]?.after ?? declared
  if (live === null)
    throw usageError('NO_RANGE', `${qualifiedName(table)} has no retention policy, so it is not known what is due.`, [
      'Give --older-than 2y, or an instant.',
    ])
  return typeof live === 'bigint' ? {count: live} : {age: live}
}

function nothingOld(table: Table, clock: TableClock): string {
  const [oldest] = oldestFirst(table.chunks.filter(({end}) => end !== null))
  return oldest === undefined
    ? `${qualifiedName(table)} has no chunk.`
    : `No chunk is that old: the oldest of ${qualifiedName(table)} ends at ` +
        `${formatInteger(oldest.end, table, clock)}${agedWords(oldest, table, clock)}.`
}

/** How long ago a chunk ended, in whole days; empty if the table's clock is not known. */
function agedWords({end}: Chunk, table: Table, clock: TableClock): string {
  const [then, now] = [
    end === null ? null : microsIn(end, table, clock),
    clock.now === null ? null : microsIn(clock.now, table, clock),
  ]
  if (then === null || now === null || then > now) return ''
  const old = (now - then) / 86_400_000_000n
  return old === 0n ? ', less than a day ago' : ` (${old} d old)`
}

/** A given age says nothing about the export of the policy. */
function notExported({table, policyExport}: DropRequest, chunks: readonly Chunk[]): string[] {
  if (!policyExport || chunks.length === 0) return []
  return [
    `The retention of ${qualifiedName(table)} exports chunks to ${policyExport.to} before it drops them; this ` +
      `drop does not. To export them: --export-to ${policyExport.to}`,
  ]
}

/** Objects over single chunks. The drop of another chunk does not depend on them, so the plan is not refused. */
async function dependentNotes(db: Database, chunksToDrop: readonly Chunk[]): Promise<string[]> {
  if (chunksToDrop.length === 0) return []
  const rows = await db.query<{relation: string; dependents: string}>(
    statement(loadSql('catalog/dependents'), [chunksToDrop.map(qualifiedName)]),
  )
  return rows.map(
    ({relation, dependents}) =>
      `${relation}: PostgreSQL refuses to drop it until what depends on it is dropped: ${dependents}. The other ` +
      'chunks are not affected.',
  )
}

function warnings(table: Table, chunksToDrop: readonly Chunk[], {referenced}: DropFacts): string[] {
  if (chunksToDrop.length === 0) return []
  return [
    ...(chunksToDrop.length === table.chunks.length
      ? [`These are all the chunks that ${qualifiedName(table)} has.`]
      : []),
    ...(referenced.length > 0
      ? [
          `Each drop locks ${referenced.join(', ')} as well (foreign key), so the drop and its readers wait for ` +
            'each other.',
        ]
      : []),
  ]
}
