import {sql, type Fragment, type Statement} from '../db/sql.js'
import {pointOf, type TimeKey} from '../catalog/time-key.js'
import {instantOf} from '../catalog/time.js'

/**
 * The columns `oldest` and `newest` of a query, as text of the key. min() of a uuid exists from PostgreSQL 18 on, so
 * these keys are compared as text, byte by byte, which is their order.
 */
export function keyEnds({kind}: TimeKey, column: Fragment): Statement {
  if (kind === 'uuidv7' || kind === 'ulid')
    return sql`min(${column}::text collate "C") as oldest, max(${column}::text collate "C") as newest`
  return sql`min(${column})::text as oldest, max(${column})::text as newest`
}

/** The two ends for people: an integer, UUID or ULID as the instant that it stands for. */
export function inWords<T extends {oldest: string | null; newest: string | null}>(key: TimeKey, ends: T): T {
  if (key.kind !== 'integer' && key.kind !== 'uuidv7' && key.kind !== 'ulid') return ends
  return {...ends, oldest: instantText(key, ends.oldest), newest: instantText(key, ends.newest)}
}

function instantText(key: TimeKey, text: string | null): string | null {
  const point = text === null ? null : pointOf(key, text)
  return point === null ? text : (instantOf(point) ?? text)
}
