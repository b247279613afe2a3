import type {Database} from '../db/database.js'
import {ident, sql, type Fragment, type Statement} from '../db/sql.js'
import type {AdoptPeriods} from './periods.js'
import type {Staging} from './staging.js'

/** What a table becomes. */
export type AdoptTarget = 'set' | 'hypertable'

/** What an adoption has done so far: the only row of `state` in its schema. */
export interface AdoptState {
  phase: 'copying' | 'swapped' | 'undone'
  /** Oid of the old table. */
  source: number
  /** Oid of the new set. */
  shadow: number
  target: AdoptTarget
  column: string
  every: AdoptPeriods['every']
  zone: string
  ahead: number
  /** Of the table when the adoption began. */
  fingerprint: string
  /** File of the table whose blocks are copied: VACUUM FULL and TRUNCATE give it another one. */
  filenode: number | null
  /** Number of blocks that the table had when its changes began to be recorded; null before that. */
  blocks: number | null
  /** Blocks that have been copied. */
  copied: number
  /** Of a hypertable: the time up to which rows are copied; `*` if all are. */
  copiedTo: string | null
  /** Ids of the steps that are done once. */
  built: string[]
  /** Lower bounds of the periods that have been compared, as text of the key's type. */
  verified: string[]
  startedAt: string
  swappedAt: string | null
  /** Changes that were recorded and not applied yet. */
  pending: number
}

export function stateTable({schema}: Staging): Fragment {
  return ident(schema, 'state')
}

/** The log of changed keys. */
export function changesTable({schema}: Staging): Fragment {
  return ident(schema, 'changes')
}

/** The partitions that a set had when its changes began to be recorded, and their files. */
export function partsTable({schema}: Staging): Fragment {
  return ident(schema, 'parts')
}

/** @returns null if no adoption was begun */
export async function readState(db: Database, staging: Staging): Promise<AdoptState | null> {
  const [found] = await db.query<{exists: boolean}>(
    sql`select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = ${staging.schema} and c.relname = 'state') as exists`,
  )
  if (!found?.exists) return null
  const rows = await db.query<AdoptState>(
    sql`select phase, source::int8 as source, shadow::int8 as shadow, target, "column", every, zone, ahead, fingerprint, filenode::int8, blocks, copied, copied_to as "copiedTo", built, verified,
  started_at as "startedAt", swapped_at as "swappedAt", (select count(*) from ${changesTable(staging)}) as pending
from ${stateTable(staging)}`,
  )
  return rows[0] ?? null
}

/** Steps of two sessions never overlap: each locks this row first. */
export function lockState(staging: Staging): Statement {
  return sql`select 1 from ${stateTable(staging)} for update`
}
