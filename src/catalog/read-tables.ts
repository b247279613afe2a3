import type {Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {readOwnAggregates} from './read-emulated.js'
import {readPartitionSets} from './read-partition-sets.js'
import {readHypertables} from './read-hypertables.js'
import type {Table} from './table.js'

export {readChunks} from './read-hypertables.js'

/** Every table with time-series of the database. Those of TimescaleDB come without their chunks: {@link readChunks}. */
export async function readTables(db: Database): Promise<Table[]> {
  const tables = await readPartitionSets(db)
  const {tables: others} = engineNamed(db.server.engine).sql
  if (others !== null) tables.push(...(await readHypertables(db, others)))
  if (db.server.hasQicoreSchema) tables.push(...(await readOwnAggregates(db, tables)))
  return tables
}
