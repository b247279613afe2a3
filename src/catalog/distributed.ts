import type {Database, Db} from '../db/database.js'
import type {Server} from '../db/server.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'

/** Tables whose rows are on the workers of Citus. Their local relations are empty, so a size of 0 would be false. */
export interface DistributedTables {
  relations: ReadonlySet<number>
  /** Qualified names, quoted where SQL needs it. */
  names: ReadonlySet<string>
}

const none: DistributedTables = {relations: new Set(), names: new Set()}

export async function readDistributedTables(db: Db & {readonly server: Server}): Promise<DistributedTables> {
  if ((db.server.citus?.distributedTables ?? 0) === 0) return none
  const rows = await db.query<{relation: number; name: string}>(statement(loadSql('catalog/citus-tables')))
  return {relations: new Set(rows.map(({relation}) => relation)), names: new Set(rows.map(({name}) => name))}
}

/**
 * Refuses tables of Citus: it has no DETACH CONCURRENTLY, and the rows and bytes that a drop deletes cannot be counted.
 * @throws OpsError DISTRIBUTED (exit 2)
 */
export async function refuseDistributed(db: Database, relation: string): Promise<void> {
  if (!(await readDistributedTables(db)).names.has(relation)) return
  throw usageError(
    'DISTRIBUTED',
    `${relation} is distributed by Citus: its partitions cannot be detached without blocking readers, and their rows cannot be counted here.`,
    [`To detach one anyway, in psql: ALTER TABLE ${relation} DETACH PARTITION …`],
  )
}
