import {reading, type Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {ident, sql} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {keyOf, type Table} from './table.js'
import {fromMicros, microsOf, toMicros, unitOfClock, type TimeUnit} from './time.js'

/** What time it is on a table's own scale, and what one is there. */
export interface Clock {
  /** In the scale of the table's ranges; null where an integer's unit and clock are unknown. */
  now: bigint | null
  /** Null for instants, and for integers of which nobody said what they are. */
  unit: TimeUnit | null
}

/**
 * The clocks of these tables: the server's for instants; for integers what the configuration says one is, else the
 * table's integer_now, which also tells its unit.
 * @param units by schema.table
 */
export async function readClocks(db: Database, tables: readonly Table[], at: Instant, units: ReadonlyMap<string, TimeUnit>): Promise<Map<Table, Clock>> {
  const called = new Map<string, bigint | null>()
  const clocks = new Map<Table, Clock>()
  for (const table of tables) {
    if (table.time !== 'integer') {
      clocks.set(table, {now: table.time === 'other' ? null : microsOf(at), unit: null})
      continue
    }
    const lineage = sourcesOf(table)
    const said = lineage.map((each) => units.get(keyOf(each))).find((unit) => unit !== undefined) ?? null
    const its = lineage.find((each) => each.integerNow !== null)?.integerNow ?? null
    let now = its === null ? null : await call(its)
    const unit = said ?? (now === null ? null : unitOfClock(now, at))
    now ??= unit === null ? null : fromMicros(microsOf(at), unit)
    clocks.set(table, {now, unit})
  }
  return clocks

  async function call({schema, name, safe}: NonNullable<Table['integerNow']>): Promise<bigint | null> {
    if (!safe) return null
    const key = formatQualifiedName(schema, name)
    if (!called.has(key)) called.set(key, await ask(schema, name))
    return called.get(key)!
  }

  async function ask(schema: string, name: string): Promise<bigint | null> {
    try {
      const [row] = await db.query<{now: string | null}>(sql`select ${ident(schema, name)}()::text as now`, {...reading, statementTimeout: 1_000})
      return row?.now == null ? null : BigInt(row.now)
    } catch (error) {
      // Somebody else's function may fail for reasons of its own.
      if (isConnectionLost(error)) throw error
      return null
    }
  }
}

/** The table, and for an aggregate what it reads, down to the hypertable with the rows. */
function sourcesOf(table: Table): Table[] {
  const lineage: Table[] = []
  for (let at: Table | null | undefined = table; at && !lineage.includes(at); at = at.aggregate?.source) lineage.push(at)
  return lineage
}

/** A value of the table's time column in microseconds since 1970; null where nobody knows its unit. */
export function microsIn(value: bigint, table: Table, clock: Clock): bigint | null {
  if (table.time !== 'integer') return value
  return clock.unit === null ? null : toMicros(value, clock.unit)
}
