import {readOnlySettings, type Database, type Db} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {isConnectionLost, sqlState, SqlState} from '../db/sqlstate.js'
import {readDistributedTables} from './distributed.js'

/** Bytes of tables with their indexes and TOAST, as pg_total_relation_size counts them. */
export interface Sizes {
  /** A relation that is in neither was dropped meanwhile. */
  bytes: Map<number, number>
  /** Of the indexes alone, where they were asked for. */
  indexBytes: Map<number, number>
  /** Another session has locked them, or waits to: left out, never waited for. */
  locked: Set<number>
  /** Distributed by Citus: the sizes are on its workers. */
  remote: ReadonlySet<number>
}

// Measured: 100 to 2 500 relations a statement cost the same in all; 500 take about a tenth of a second cold.
const batch = 500
// From here on reading the directory once is cheaper than opening every relation (five times so at 14 000).
const worthTheDirectory = 1_000

/** The tables that a reader would wait for just now. */
export async function readLockedTables(db: Db): Promise<Set<number>> {
  const rows = await db.query<{relation: number}>(statement(loadSql('catalog/locked-tables')))
  return new Set(rows.map(({relation}) => relation))
}

/**
 * Exact sizes. Each batch is a transaction of its own; what is locked is seen in pg_locks and left out, and a batch
 * that still meets a lock is halved until only the locked relation is missing.
 */
export async function measureSizes(db: Database, relations: readonly number[], indexes = false): Promise<Sizes> {
  const sizes: Sizes = {
    bytes: new Map(),
    indexBytes: new Map(),
    locked: new Set(),
    remote: (await readDistributedTables(db)).relations,
  }
  const here = relations.filter((relation) => !sizes.remote.has(relation))
  const rest = here.length < worthTheDirectory ? here : await measureFiles(db, here, sizes)
  for (let at = 0; at < rest.length; at += batch) await measureBatch(db, rest.slice(at, at + batch), indexes, sizes)
  return sizes
}

async function measureBatch(db: Database, relations: readonly number[], indexes: boolean, sizes: Sizes): Promise<void> {
  try {
    const rows = await db.transaction(readOnlySettings, async (tx) => {
      const free = await leaveOutLocked(tx, relations, sizes)
      return tx.query<SizeRow>(statement(loadSql(engineNamed(db.server.engine).sql.sizes.byRelation), [free, indexes]))
    })
    for (const row of rows) keep(row, sizes)
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

async function leaveOutLocked(tx: Db, relations: readonly number[], sizes: Sizes): Promise<number[]> {
  const locked = await readLockedTables(tx)
  for (const relation of relations) if (locked.has(relation)) sizes.locked.add(relation)
  return relations.filter((relation) => !locked.has(relation))
}

/** Opens nothing, so that not even a lock is met; a locked table is left out all the same: its files are in flux. */
async function measureFiles(db: Database, relations: readonly number[], sizes: Sizes): Promise<readonly number[]> {
  try {
    return await db.transaction(readOnlySettings, async (tx) => {
      const [may] = await tx.query<{may: boolean}>(
        statement(
          "select has_function_privilege('pg_ls_dir(text)', 'execute') and has_function_privilege('pg_stat_file(text, boolean)', 'execute') as may",
        ),
      )
      if (!may?.may) return relations
      await tx.query(statement("select set_config('work_mem', '64MB', true)"))
      const free = await leaveOutLocked(tx, relations, sizes)
      const uncovered = new Set<number>()
      const rows = await tx.query<SizeRow & {missing: number}>(
        statement(loadSql(engineNamed(db.server.engine).sql.sizes.byFile), [free]),
      )
      for (const row of rows) {
        if (row.missing > 0) uncovered.add(row.relation)
        else keep(row, sizes)
      }
      return free.filter((relation) => uncovered.has(relation))
    })
  } catch (error) {
    // Storage that is no directory, an odd privilege: the other way still answers.
    if (isConnectionLost(error)) throw error
    return relations
  }
}

/** What catalogues believe of a table. */
export interface Estimate {
  heap: number
  /** Indexes and TOAST. */
  other: number
  indexes: number
  analyzed: boolean
}

/** What the last VACUUM or ANALYZE saw, in one statement that locks nothing. */
export async function estimateSizes(db: Database, relations: readonly number[]): Promise<Map<number, Estimate>> {
  const rows = await db.query<{
    relation: number
    heap_bytes: number
    index_bytes: number
    other_bytes: number
    analyzed: boolean
  }>(statement(loadSql(engineNamed(db.server.engine).sql.sizes.estimates), [relations]))
  const {relations: remote} = await readDistributedTables(db)
  return new Map(
    rows
      .filter(({relation}) => !remote.has(relation))
      .map((row) => [
        row.relation,
        {heap: row.heap_bytes, other: row.other_bytes, indexes: row.index_bytes, analyzed: row.analyzed},
      ]),
  )
}
