import {readCronEntries, timePartitionEntries, type CronEntry} from '../../catalog/cron-entries.js'
import type {Database} from '../../db/database.js'
import {can} from '../../engines/index.js'

/**
 * The entries of pg_cron that create partitions with Citus' own function, by the qualified name of the table. Without
 * those that this role may not see.
 */
export async function readCreators(db: Database): Promise<ReadonlyMap<string, CronEntry>> {
  if (!can(db.server.engine, 'distribution')) return new Map()
  const calls = await timePartitionEntries((await readCronEntries(db)) ?? [])
  return new Map(calls.flatMap(({does, key, entry}) => (does === 'creation' ? [[key, entry] as const] : [])))
}
