import type {Database} from '../db/database.js'
import {can} from '../engines/index.js'
import {readQicoreRows} from './read-emulated.js'

/** Bytes of a partition before and after it was converted to columnar; null if not measured. */
export interface ColumnarSize {
  name: string
  before: number | null
  after: number | null
}

/** The recorded conversions of partitions to columnar, by the oid of the partition. */
export async function readColumnarSizes(db: Database): Promise<Map<number, ColumnarSize>> {
  if (!can(db.server.engine, 'columnar') || !db.server.hasQicoreSchema) return new Map()
  const rows = await readQicoreRows<{
    relation: number
    name: string
    before_bytes: number | null
    after_bytes: number | null
  }>(db, 'catalog/columnar-sizes')
  return new Map(
    rows.map(({relation, name, before_bytes: before, after_bytes: after}) => [relation, {name, before, after}]),
  )
}
