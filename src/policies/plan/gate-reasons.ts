import {grantsFor} from '../../run/privilege-advice.js'
import {readOnlySettings, type Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {isConnectionLost, serverMessage} from '../../db/sqlstate.js'
import {ago} from '../../catalog/ages.js'
import {shift} from '../../catalog/due.js'
import {readTimeRanges} from '../../catalog/time-range.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import {readLockedTables} from '../../catalog/sizes.js'
import {qualifiedName} from '../../catalog/table.js'
import type {TableClock} from '../../catalog/table-clock.js'
import {toMicros, fromMicros} from '../../catalog/time.js'

/** Why a gated retention keeps a chunk that is due: a code, and the text of the gate. */
export interface GateReason {
  code: 'feed_stopped' | 'held_back' | 'foreign_key' | 'gate_unreadable'
  why: string
}

/** Why a gated retention keeps chunks that are due, by the same functions that its procedure calls. */
export interface GateReasons {
  /** By schema.name, quoted as the server does. */
  byChunk: ReadonlyMap<string, GateReason>
  /** Set if nothing at all is dropped. */
  all: GateReason | null
}

const timeoutMs = 5_000

/**
 * Reads the reasons. Call it only if something is overdue.
 * @param referenced a foreign key references the table: the gate then drops no chunk of a hypertable
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
    const {ends} = await readTimeRanges(db, [table], readLockedTables(db))
    const newest = ends.get(table)?.newest ?? null
    if (newest !== null && newest < cutoff)
      return {
        ...none,
        all: {code: 'feed_stopped', why: 'the newest row is older than the retention, so these may be the last copy'},
      }
  }
  // The gate checks foreign keys first, and only for hypertables: PostgreSQL itself refuses to drop a partition whose
  // rows a foreign key references.
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
    const grant = await grantsFor(db, error)
    const why = `coverage cannot be read here: ${serverMessage(error)}${grant === null ? '' : ` (to allow it: ${grant})`}`
    return {...none, all: {code: 'gate_unreadable', why}}
  }
}

/** The cutoff of a policy. The age of a gated retention is a duration also on integer time. Null if not known. */
export function cutoffOf({after, table}: LivePolicy, clock: TableClock): bigint | null {
  const {now, unit} = clock
  if (after === null || now === null) return null
  if (table.time !== 'integer' || typeof after === 'bigint') return ago(clock, after)
  return unit === null ? null : fromMicros(shift(toMicros(now, unit), after, -1), unit)
}
