import type {Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {readEmulatedAggregates} from './read-emulated.js'
import {readPartitionSets} from './read-partition-sets.js'
import {readHypertables} from './read-hypertables.js'
import type {Table} from './table.js'

export {readChunks} from './read-hypertables.js'

/** Every time-series table of the database. Hypertables come without their chunks: {@link readChunks} adds them. */
export async function readTables(db: Database): Promise<Table[]> {
  const {tables: others} = engineNamed(db.server.engine).sql
  const [sets, hypertables] = await Promise.all([
    readPartitionSets(db),
    others === null ? [] : readHypertables(db, others),
  ])
  const tables = [...sets, ...hypertables]
  if (db.server.hasQicoreSchema) tables.push(...(await readEmulatedAggregates(db, tables)))
  return tables
}
