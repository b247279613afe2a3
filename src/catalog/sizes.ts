import {readOnlySettings, type Database, type Db} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {isConnectionLost, sqlState, SqlState} from '../db/sqlstate.js'
import {allInOrder} from '../db/transaction.js'

/** Bytes of tables with their indexes and TOAST, as pg_total_relation_size counts them. */
export interface Sizes {
  /** A relation that is neither here nor in `locked` was dropped in the meantime. */
  bytes: Map<number, number>
  /** The indexes alone, if they were requested. */
  indexBytes: Map<number, number>
  /** Another session holds or waits for ACCESS EXCLUSIVE on them: not measured, never waited for. */
  locked: Set<number>
}

// Measured: the total time is the same from 100 to 2 500 relations a statement; 500 take about 0.1 s with cold caches.
const batch = 500
// From here on, reading the directory once is cheaper than opening every relation: five times cheaper at 14 000.
const worthTheDirectory = 1_000

/** Oids of the tables that a reader would have to wait for. */
export async function readLockedTables(db: Db): Promise<Set<number>> {
  const rows = await db.query<{relation: number}>(statement(loadSql('catalog/locked-tables')))
  return new Set(rows.map(({relation}) => relation))
}

/**
 * Exact sizes. Each batch is one transaction. Relations that pg_locks shows as locked are left out; a batch that still
 * runs into a lock is split in halves until only the locked relation is missing.
 */
export async function measureSizes(db: Database, relations: readonly number[], indexes = false): Promise<Sizes> {
  const sizes: Sizes = {bytes: new Map(), indexBytes: new Map(), locked: new Set()}
  const rest = relations.length < worthTheDirectory ? relations : await measureFiles(db, relations, sizes)
  for (let at = 0; at < rest.length; at += batch) await measureBatch(db, rest.slice(at, at + batch), indexes, sizes)
  return sizes
}

async function measureBatch(db: Database, relations: readonly number[], indexes: boolean, sizes: Sizes): Promise<void> {
  try {
    let rows: Promise<SizeRow[]> = Promise.resolve([])
    await db.transaction(readOnlySettings, async (tx) => {
      const free = leaveOutLocked(relations, await readLockedTables(tx), sizes)
      // Not awaited here, so that it is sent with COMMIT.
      rows = tx.query(statement(loadSql(engineNamed(db.server.engine).sql.sizes.byRelation), [free, indexes]))
    })
    for (const row of await rows) keep(row, sizes)
  } catch (error) {
    const state = sqlState(error)
    if (state !== SqlState.lockNotAvailable && state !== SqlState.canceled) throw error
    if (relations.length === 1) return void sizes.locked.add(relations[0]!)
    const middle = Math.ceil(relations.length / 2)
    await measureBatch(db, relations.slice(0, middle), indexes, sizes)
    await measureBatch(db, relations.slice(middle), indexes, sizes)
  }
}

interface SizeRow {
  relation: number
  bytes: number | null
  index_bytes: number | null
}

function keep({relation, bytes, index_bytes: indexBytes}: SizeRow, sizes: Sizes): void {
  if (bytes !== null) sizes.bytes.set(relation, bytes)
  if (indexBytes !== null) sizes.indexBytes.set(relation, indexBytes)
}

function leaveOutLocked(relations: readonly number[], locked: ReadonlySet<number>, sizes: Sizes): number[] {
  for (const relation of relations) if (locked.has(relation)) sizes.locked.add(relation)
  return relations.filter((relation) => !locked.has(relation))
}

/**
 * Sizes of the files; opens no relation and takes no lock. Locked tables are left out all the same: their files may be
 * changing. Returns the relations that must be measured by opening them.
 */
async function measureFiles(db: Database, relations: readonly number[], sizes: Sizes): Promise<readonly number[]> {
  try {
    let free: number[] | null = null
    let rows: Promise<(SizeRow & {missing: number})[]> = Promise.resolve([])
    await db.transaction(readOnlySettings, async (tx) => {
      // Without the privilege the statement itself would fail, and the server would log that each time.
      const [[privilege], locked] = await allInOrder([
        tx.query<{may: boolean}>(statement(loadSql('catalog/may-read-files'))),
        readLockedTables(tx),
        tx.query(statement("select set_config('work_mem', '64MB', true)")),
      ])
      if (!privilege!.may) return
      free = leaveOutLocked(relations, locked, sizes)
      // Not awaited here, so that it is sent with COMMIT.
      rows = tx.query(statement(loadSql(engineNamed(db.server.engine).sql.sizes.byFile), [free]))
    })
    if (free === null) return relations
    const uncovered = new Set<number>()
    for (const row of await rows) {
      if (row.missing > 0) uncovered.add(row.relation)
      else keep(row, sizes)
    }
    return (free as number[]).filter((relation) => uncovered.has(relation))
  } catch (error) {
    // Other storage than files, or a privilege that is missing: opening the relations still works.
    if (isConnectionLost(error)) throw error
    return relations
  }
}

/** Sizes of a table in bytes, as the catalog estimates them. */
export interface Estimate {
  heap: number
  /** Indexes and TOAST. */
  other: number
  indexes: number
  analyzed: boolean
}

/** Sizes as the last VACUUM or ANALYZE recorded them, in one statement that locks no table. */
export async function estimateSizes(db: Database, relations: readonly number[]): Promise<Map<number, Estimate>> {
  const rows = await db.query<{
    relation: number
    heap_bytes: number
    index_bytes: number
    other_bytes: number
    analyzed: boolean
  }>(statement(loadSql(engineNamed(db.server.engine).sql.sizes.estimates), [relations]))
  return new Map(
    rows.map((row) => [
      row.relation,
      {heap: row.heap_bytes, other: row.other_bytes, indexes: row.index_bytes, analyzed: row.analyzed},
    ]),
  )
}
