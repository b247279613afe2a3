import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'

/** A table, or a partition, whose rows Citus keeps in shards on its nodes: the relation on the coordinator is empty. */
export interface DistributedTable {
  /** Its oid on the coordinator. */
  relation: number
  /** Qualified, quoted where SQL needs it. */
  name: string
  /** Shards of this table or partition, not counting copies. */
  shards: number
  /** Copies of shards, on all nodes. */
  placements: number
  /** Nodes that hold them. */
  nodes: number
}

/** What the nodes measured of one table. Bytes are those of all copies, as citus_total_relation_size counts them. */
export interface MeasuredTable extends DistributedTable {
  /** With indexes and TOAST; null if a shard was not measured. */
  bytes: number | null
  /** Bytes of the shards that were measured. */
  measuredBytes: number
  indexBytes: number | null
  /** An estimate; null if a shard was not measured or never analyzed. */
  rows: number | null
  /** Why a shard was not measured: a session has locked it, its node did not answer, or it was moved meanwhile. */
  missing: 'locked' | 'unanswered' | 'moved' | null
}

/** A node whose shards are missing from the sizes. */
export interface UnansweredNode {
  /** `10.0.0.2:5432`. */
  node: string
  /** The server's message; null if Citus counts the node as inactive and does not ask it. */
  error: string | null
}

export interface DistributedSizes {
  byRelation: ReadonlyMap<number, MeasuredTable>
  byName: ReadonlyMap<string, MeasuredTable>
  unanswered: readonly UnansweredNode[]
}

/** The row of sql/catalog/citus-nodes.sql. */
export interface NodeAnswer {
  node: string
  result: string | null
  error: string | null
}

const none: DistributedSizes = {byRelation: new Map(), byName: new Map(), unanswered: []}

/** The tables that Citus distributes; none in a database without Citus. */
export async function readDistributedTables(db: Pick<Database, 'query' | 'server'>): Promise<DistributedTable[]> {
  if (db.server.citus === null) return []
  return db.query<DistributedTable>(statement(loadSql('catalog/citus-tables')))
}

/**
 * Sizes and rows of distributed tables, by one statement on each node. A shard that a session has locked is left out
 * and never waited for; a node that does not answer is named.
 */
export async function readDistributedSizes(db: Pick<Database, 'query' | 'server'>): Promise<DistributedSizes> {
  const tables = await readDistributedTables(db)
  return tables.length === 0 ? none : combineNodes(tables, await askNodes(db))
}

async function askNodes(db: Pick<Database, 'query'>): Promise<NodeAnswer[]> {
  try {
    return await db.query<NodeAnswer>(statement(loadSql('catalog/citus-nodes'), [loadSql('catalog/citus-shards')]))
  } catch (error) {
    if (isConnectionLost(error)) throw error
    // A node that does not even refuse the connection is waited for until the statement is cancelled.
    return [{node: 'the nodes of Citus', result: null, error: serverMessage(error)}]
  }
}

type ShardRow = [name: string, measured: number, locked: number, bytes: number, indexBytes: number, rows: number | null]

interface Sum {
  measured: number
  locked: number
  bytes: number
  indexBytes: number
  rows: number | null
}

/** Adds up the answers of the nodes. A table of which a copy of a shard is missing has unknown bytes. */
export function combineNodes(tables: readonly DistributedTable[], answers: readonly NodeAnswer[]): DistributedSizes {
  const sums = new Map<string, Sum>()
  for (const {result} of answers) {
    if (result === null) continue
    for (const [name, measured, locked, bytes, indexBytes, rows] of JSON.parse(result) as ShardRow[]) {
      const sum = sums.get(name) ?? {measured: 0, locked: 0, bytes: 0, indexBytes: 0, rows: 0}
      sums.set(name, {
        measured: sum.measured + measured,
        locked: sum.locked + locked,
        bytes: sum.bytes + bytes,
        indexBytes: sum.indexBytes + indexBytes,
        rows: sum.rows === null || rows === null ? null : sum.rows + rows,
      })
    }
  }
  const unanswered = answers.flatMap(({node, result, error}) => (result === null ? [{node, error}] : []))
  const measured = tables.map((table) => measuredTable(table, sums.get(table.name), unanswered.length > 0))
  return {
    byRelation: new Map(measured.map((table) => [table.relation, table])),
    byName: new Map(measured.map((table) => [table.name, table])),
    unanswered,
  }
}

function measuredTable(table: DistributedTable, sum: Sum | undefined, nodeMissing: boolean): MeasuredTable {
  const {measured, locked, bytes, indexBytes, rows} = sum ?? {
    measured: 0,
    locked: 0,
    bytes: 0,
    indexBytes: 0,
    rows: 0,
  }
  const missing = measured === table.placements ? null : reasonOf(measured + locked === table.placements, nodeMissing)
  return {
    ...table,
    bytes: missing === null ? bytes : null,
    measuredBytes: bytes,
    indexBytes: missing === null ? indexBytes : null,
    rows: missing === null ? rows : null,
    missing,
  }
}

function reasonOf(restIsLocked: boolean, nodeMissing: boolean): MeasuredTable['missing'] {
  if (restIsLocked) return 'locked'
  return nodeMissing ? 'unanswered' : 'moved'
}
