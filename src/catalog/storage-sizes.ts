import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'

/** The database or a tablespace of its server. */
export interface StorageSize {
  kind: 'database' | 'tablespace'
  name: string
  oid: number
  /** Null if this role may not measure it. */
  bytes: number | null
}

/** The size of this database, first, and of each tablespace but pg_global. Reads the sizes of files, locks nothing. */
export function readStorageSizes(db: Database): Promise<StorageSize[]> {
  return db.query<StorageSize>(statement(loadSql('catalog/storage-sizes')))
}

/** Names the objects whose size this role may not measure, and the grant that helps; null if there are none. */
export function unmeasuredNote(sizes: readonly StorageSize[]): string | null {
  const hidden = sizes.filter(({bytes}) => bytes === null).map(({kind, name}) => `${kind} ${name}`)
  if (hidden.length === 0) return null
  return (
    `This role may not measure ${hidden.join(', ')}. A member of pg_read_all_stats may: GRANT pg_read_all_stats ` +
    'TO <role>'
  )
}
