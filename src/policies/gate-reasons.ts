import {readOnlySettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'
import {ago} from '../catalog/ages.js'
import {shift} from '../catalog/due.js'
import {readTimeRanges} from '../catalog/time-range.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import {readLockedTables} from '../catalog/sizes.js'
import {qualifiedName} from '../catalog/table.js'
import type {TableClock} from '../catalog/table-clock.js'
import {toMicros, fromMicros} from '../catalog/time.js'

/** Why a chunk is held back: a code for programs, the words of the gate for people. */
export interface GateReason {
  code: 'feed_stopped' | 'held_back' | 'foreign_key' | 'gate_unreadable'
  why: string
}

/** Why a gated retention holds chunks back, as its procedure sees it. */
export interface GateReasons {
  /** By schema.name as the server writes it. */
  byChunk: ReadonlyMap<string, GateReason>
  /** Why nothing at all is dropped. */
  all: GateReason | null
}

const timeoutMs = 5_000

/**
 * Asked only where something is overdue.
 * @param referenced a foreign key leads to the table: of a hypertable the gate then drops nothing, whatever is covered
 */
export async function gateReasons(
  db: Database,
  policy: LivePolicy,
  clock: TableClock,
  referenced: boolean,
): Promise<GateReasons> {
  const {table, config} = policy
  const none: GateReasons = {byChunk: new Map(), all: null}
  const cutoff = cutoffOf(policy, clock)
  if (cutoff !== null) {
    const {ends} = await readTimeRanges(db, [table], await readLockedTables(db))
    const newest = ends.get(table)?.newest ?? null
    if (newest !== null && newest < cutoff)
      return {
        ...none,
        all: {code: 'feed_stopped', why: 'the newest row is older than the retention, so these may be the last copy'},
      }
  }
  // The gate asks for foreign keys first, and only of hypertables: PostgreSQL itself refuses to drop a partition with
  // rows that one leads to.
  const code = referenced && table.kind !== 'partitioned' ? 'foreign_key' : 'held_back'
  try {
    const rows = await db.query<{relation: string; reason: string | null}>(
      statement(loadSql('policies/gate'), [qualifiedName(table), config]),
      {...readOnlySettings, statementTimeout: timeoutMs},
    )
    return {
      byChunk: new Map(
        rows.flatMap(({relation, reason}) => (reason === null ? [] : [[relation, {code, why: reason}] as const])),
      ),
      all: null,
    }
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return {...none, all: {code: 'gate_unreadable', why: `coverage cannot be read here: ${serverMessage(error)}`}}
  }
}

/** A gated retention is declared as a duration also where its table counts in integers. */
export function cutoffOf({after, table}: LivePolicy, clock: TableClock): bigint | null {
  const {now, unit} = clock
  if (after === null || now === null) return null
  if (table.time !== 'integer' || typeof after === 'bigint') return ago(clock, after)
  return unit === null ? null : fromMicros(shift(toMicros(now, unit), after, -1), unit)
}
