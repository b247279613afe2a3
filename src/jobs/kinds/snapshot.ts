import {readChunkBytes, type ChunkBytes} from '../../catalog/chunk-bytes.js'
import {compressionOf} from '../../catalog/compression-totals.js'
import {readChunks, readTables} from '../../catalog/read-tables.js'
import {readStorageSizes, unmeasuredNote} from '../../catalog/storage-sizes.js'
import {isCompressed, qualifiedName, type Table} from '../../catalog/table.js'
import {totalOf} from '../../catalog/total-bytes.js'
import {batching} from '../../db/batching.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement, type Statement} from '../../db/sql.js'
import {sqlState, SqlState} from '../../db/sqlstate.js'
import type {Step} from '../../run/step.js'
import {toInterval, type Duration} from '../../units/duration.js'
import {wholeSum} from '../../units/whole-sum.js'
import type {JobKind} from '../kind.js'
import {ledgerStep} from '../ledger-step.js'

const keepByDefault: Duration = {months: 24, days: 0, seconds: 0}
/** Objects a step records, and rows a step deletes. */
const batch = 500
const pruneBatch = 10_000
const mostPruneBatches = 200

/** A row of qicore.size_snapshot, apart from its day. Null: unknown. */
interface Measured {
  object_kind: 'table' | 'database' | 'tablespace'
  schema: string
  name: string
  relation: number
  total_bytes: number | null
  size_basis: string | null
  chunks: number | null
  compressed_chunks: number | null
  before_bytes: number | null
  after_bytes: number | null
  estimated_rows: number | null
}

/**
 * Records the size of every time-series table, of the database and of each tablespace: one row for each UTC day of the
 * database's clock, so that a second run of the same day has nothing to do. Deletes its own rows older than `keep`.
 */
export const job: JobKind<'snapshot'> = {
  kind: 'snapshot',
  summary: 'Records the sizes of today, for the history of growth.',
  async plan(db, options, {now}) {
    const day = now.slice(0, 10)
    const [tables, storage] = [await measureTables(db), await readStorageSizes(db)]
    const recorded = await existing(db, day)
    const missing = [
      ...storage.map(
        ({kind, name, oid, bytes}): Measured => ({
          ...nothingElse,
          object_kind: kind,
          schema: '',
          name,
          relation: oid,
          total_bytes: bytes,
          size_basis: bytes === null ? null : 'exact',
        }),
      ),
      ...tables,
    ].filter((row) => !recorded.has(keyOfRow(row)))
    const note = missing.length === 0 ? null : unmeasuredNote(storage)
    const plan = {
      operation: 'snapshot',
      summary: `record the sizes of ${day}`,
      cutoff: null,
      tables: [],
      locks: [],
      steps: [...recordSteps(day, now, missing), ...(await pruneSteps(db, day, options.keep ?? keepByDefault))],
    }
    return {plans: [plan], enforced: [], notes: note === null ? [] : [note], problems: []}
  },
}

const nothingElse = {
  chunks: null,
  compressed_chunks: null,
  before_bytes: null,
  after_bytes: null,
  estimated_rows: null,
} as const

/** The tables that `stats` shows. Chunks that another session has locked are left out, never waited for. */
async function measureTables(db: Database): Promise<Measured[]> {
  const reads = batching(db)
  const tables = await readTables(reads)
  await readChunks(reads, tables)
  const bytes = await readChunkBytes(db, tables, false)
  // In a fixed order, so that a plan that is computed again has the same steps.
  return tables.sort(byName).map((table) => {
    const {total} = totalOf(table, bytes)
    const {beforeBytes, afterBytes} = compressionOf(table)
    return {
      object_kind: 'table',
      schema: table.schema,
      name: table.name,
      relation: table.relation,
      total_bytes: total,
      size_basis: total === null ? null : bytes.basis(table),
      chunks: table.chunks.filter(({tiered}) => !tiered).length,
      compressed_chunks: table.chunks.filter(isCompressed).length,
      before_bytes: beforeBytes,
      after_bytes: afterBytes,
      estimated_rows: estimatedRows(table, bytes),
    }
  })
}

function byName(a: Table, b: Table): number {
  return qualifiedName(a) < qualifiedName(b) ? -1 : 1
}

/** Null if one chunk has no estimate. An emulated aggregate has no chunks, and its rows are not estimated. */
function estimatedRows({kind, id, chunks}: Table, bytes: ChunkBytes): number | null {
  if (kind === 'aggregate' && id === null) return null
  return wholeSum(chunks.map(bytes.rowsOf))
}

async function existing(db: Database, day: string): Promise<Set<string>> {
  const rows = await readIfInstalled<Pick<Measured, 'object_kind' | 'schema' | 'name'>>(
    db,
    statement(loadSql('jobs/snapshot-existing'), [day]),
  )
  return new Set(rows.map(keyOfRow))
}

function keyOfRow({object_kind: kind, schema, name}: Pick<Measured, 'object_kind' | 'schema' | 'name'>): string {
  return JSON.stringify([kind, schema, name])
}

/** Empty before the migration that creates the table: `jobs run` and the daemon apply it before the run. */
async function readIfInstalled<Row extends object>(db: Database, query: Statement): Promise<Row[]> {
  if (!db.server.hasQicoreSchema) return []
  try {
    return await db.query<Row>(query)
  } catch (error) {
    if (sqlState(error) === SqlState.undefinedTable) return []
    throw error
  }
}

function step(id: string, kind: string, object: string, what: Statement): Step {
  return ledgerStep('qicore.size_snapshot', {id, kind, object}, what)
}

/** An id names the first object of its batch: a plan after a kill has other batches, and must not be taken for done. */
function recordSteps(day: string, now: string, missing: readonly Measured[]): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < missing.length; at += batch) {
    const rows = missing.slice(at, at + batch)
    const [first] = rows
    const name = first!.object_kind === 'table' ? qualifiedName(first!) : `${first!.object_kind} ${first!.name}`
    const more = rows.length === 1 ? '' : ` and ${rows.length - 1} more`
    steps.push(
      step(
        `record ${day} ${name}${more}`,
        'record',
        name,
        statement(loadSql('jobs/snapshot-insert'), [day, now, JSON.stringify(rows)]),
      ),
    )
  }
  return steps
}

async function pruneSteps(db: Database, day: string, keep: Duration): Promise<Step[]> {
  const [old] = await readIfInstalled<{keep_from: string; rows: number}>(
    db,
    statement(loadSql('jobs/snapshot-prunable'), [day, toInterval(keep)]),
  )
  const batches = Math.min(mostPruneBatches, Math.ceil((old?.rows ?? 0) / pruneBatch))
  return Array.from({length: batches}, (_, index) =>
    step(
      `prune before ${old!.keep_from}, ${index + 1} of ${batches}`,
      'prune',
      'qicore.size_snapshot',
      statement(loadSql('jobs/snapshot-prune'), [old!.keep_from, pruneBatch]),
    ),
  )
}
