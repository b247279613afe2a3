import type {Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {emulatedTables, readEmulatedAggregates} from './read-emulated.js'
import {readPartitionSets} from './read-partition-sets.js'
import {readHypertables} from './read-hypertables.js'
import type {Table} from './table.js'

export {readChunks, withChunks} from './read-hypertables.js'

/** Every time-series table of the database. Hypertables come without their chunks: {@link readChunks} adds them. */
export async function readTables(db: Database): Promise<Table[]> {
  const {tables: others} = engineNamed(db.server.engine).sql
  const [sets, hypertables, emulated] = await Promise.all([
    readPartitionSets(db),
    others === null ? [] : readHypertables(db, others),
    readEmulatedAggregates(db),
  ])
  const tables = [...sets, ...hypertables]
  return [...tables, ...emulatedTables(emulated, tables)]
}
