import {batching} from '../db/batching.js'
import {readOnlySettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {ident, sql, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {isZone} from '../units/zone.js'
import {instantOfLocal, type ZoneRule} from '../units/zone-arithmetic.js'
import {qualifiedName, type Table} from './table.js'
import {fromMicros, microsOf, toMicros, unitOfClock, type TimeUnit} from './time.js'

/**
 * What time it is on a table's own scale, and how ages are counted there. This is the one definition of it;
 * TimescaleDB's
 * policies, drop_chunks and show_chunks count the same way:
 * - `timestamptz`, `uuid`: the server's clock; months and days of an age by the calendar of the zone
 * - `timestamp`: what the clocks of the zone show
 * - `date`: the day that they show; a cut-off within a day is the beginning of that day
 * - integers: integer_now, else the server's clock in the declared unit
 * The zone is the one that a policy of the table runs in (sql/catalog/time-zones.sql), not that of our own session.
 */
export interface TableClock {
  /** In the scale of the table's ranges; null where an integer's unit and clock, or the zone, are not known. */
  now: bigint | null
  /** Null for times, and for integers whose unit is not known. */
  unit: TimeUnit | null
  /** What the table counts in; `timestamptz` where it is left out. */
  time?: Table['time']
  /** UTC where it is left out and the table is on instants; unknown where it is on local times. */
  zone?: ZoneRule
  /** As PostgreSQL has it. */
  zoneName?: string
  /** The declared unit cannot be that of the table's values. Then `unit` is null. */
  contradiction?: UnitContradiction
}

/** A declared unit by which every row of a table lies in 1970 or far in the future, or in another time than its own. */
export interface UnitContradiction {
  declared: TimeUnit
  /** The unit by which the newest values are times of today; null where none is. */
  seen: TimeUnit | null
  /** Where all rows would lie by the declared unit. */
  rowsIn: '1970' | 'the future' | 'another time'
}

/** The end of a sentence that begins with the declared unit: why it is not that of the rows. */
export function contradictionWords({seen, rowsIn}: UnitContradiction): string {
  const where = {
    '1970': 'by it every row lies in 1970',
    'the future': 'by it every row lies more than a hundred years ahead',
    'another time': 'by it the newest rows are far from now',
  }[rowsIn]
  return seen === null
    ? `${where}, and no unit makes them times of today`
    : `${where}; they are times of today in ${seen}`
}

/**
 * @param at the server's clock
 * @param units declared for integers, by schema.table
 */
export async function readClocks(
  db: Database,
  tables: readonly Table[],
  at: Instant,
  units: ReadonlyMap<string, TimeUnit>,
): Promise<Map<Table, TableClock>> {
  const batch = batching(db)
  const called = new Map<string, Promise<bigint | null>>()
  const zones = await readZones(
    db,
    tables.filter(({time}) => time !== 'integer' && time !== 'other'),
    at,
  )
  const entries = tables.map(async (table) => {
    const clock = table.time === 'integer' ? await integerClock(table) : timeClock(table, at, zones.get(table.relation))
    return [table, clock] as const
  })
  return new Map(await Promise.all(entries))

  async function integerClock(table: Table): Promise<TableClock> {
    const lineage = sourcesOf(table)
    const declared = lineage.map((each) => units.get(qualifiedName(each))).find((unit) => unit !== undefined) ?? null
    const integerNow = lineage.find((each) => each.integerNow !== null)?.integerNow ?? null
    const now = integerNow === null ? null : await call(integerNow)
    const contradiction = declared === null ? null : contradictionOf(table, declared, now, at)
    if (contradiction !== null) return {now, unit: null, time: 'integer', contradiction}
    const unit = declared ?? (now === null ? null : unitOfClock(now, at))
    return {now: now ?? (unit === null ? null : fromMicros(microsOf(at), unit)), unit, time: 'integer'}
  }

  async function call({schema, name, safe}: NonNullable<Table['integerNow']>): Promise<bigint | null> {
    if (!safe) return null
    const key = formatQualifiedName(schema, name)
    const answer = called.get(key) ?? ask(schema, name)
    called.set(key, answer)
    return answer
  }

  async function ask(schema: string, name: string): Promise<bigint | null> {
    try {
      const [row] = await batch.query<{now: string | null}>(sql`select ${ident(schema, name)}()::text as now`, {
        ...readOnlySettings,
        statementTimeout: 1_000,
      })
      return row?.now == null ? null : BigInt(row.now)
    } catch (error) {
      // A function that users wrote may fail for reasons of its own.
      if (isConnectionLost(error)) throw error
      return null
    }
  }
}

const hundredYears = 100n * 365n * 86_400_000_000n
const in1971 = 365n * 86_400_000_000n

/**
 * Null where the declared unit can be right. By a unit that no value of today has, it is wrong only where all rows
 * would
 * lie in 1970 or beyond a century from now: rows of other years may be history.
 * @param now the table's own clock, where it has one
 */
function contradictionOf(table: Table, declared: TimeUnit, now: bigint | null, at: Instant): UnitContradiction | null {
  const ends = table.chunks.flatMap(({end}) => (end === null ? [] : [end]))
  const starts = table.chunks.flatMap(({start}) => (start === null ? [] : [start]))
  const newest = now ?? largest(ends)
  const oldest = now ?? (starts.length === table.chunks.length ? smallest(starts) : null)
  const seen = newest === null ? null : unitOfClock(newest, at)
  if (seen === declared) return null
  const allBefore = newest !== null && newest >= 0n && toMicros(newest, declared) < in1971
  const allAfter = oldest !== null && toMicros(oldest, declared) > microsOf(at) + hundredYears
  if (seen === null && !allBefore && !allAfter) return null
  if (allBefore) return {declared, seen, rowsIn: '1970'}
  return {declared, seen, rowsIn: allAfter ? 'the future' : 'another time'}
}

function largest(values: readonly bigint[]): bigint | null {
  return values.reduce<bigint | null>((last, value) => (last === null || value > last ? value : last), null)
}

function smallest(values: readonly bigint[]): bigint | null {
  return values.reduce<bigint | null>((first, value) => (first === null || value < first ? value : first), null)
}

interface ZoneRow {
  relation: number
  time_zone: string | null
  local_now: string | null
}

async function readZones(db: Database, tables: readonly Table[], at: Instant): Promise<Map<number, ZoneRow>> {
  if (tables.length === 0) return new Map()
  const rows = await db.query<ZoneRow>(
    statement(loadSql('catalog/time-zones'), [tables.map(({relation}) => relation), at]),
  )
  return new Map(rows.map((row) => [row.relation, row]))
}

function timeClock(table: Table, at: Instant, row: ZoneRow | undefined): TableClock {
  const {time} = table
  const known =
    row !== undefined && row.time_zone !== null && row.local_now !== null
      ? zoneOf(row.time_zone, BigInt(row.local_now) - microsOf(at))
      : {}
  if (time === 'timestamp' || time === 'date')
    return {now: row?.local_now == null ? null : BigInt(row.local_now), unit: null, time, ...known}
  return {now: time === 'other' ? null : microsOf(at), unit: null, time, ...known}
}

/** PostgreSQL takes zones that only it knows, `<+03>-3`: those are at a fixed offset. */
function zoneOf(name: string, offset: bigint): Pick<TableClock, 'zone' | 'zoneName'> {
  return {zone: isZone(name) ? {name} : {fixedOffset: offset}, zoneName: name}
}

/** The table, and for an aggregate what it reads, down to the hypertable with the rows. */
function sourcesOf(table: Table): Table[] {
  const lineage: Table[] = []
  for (let at: Table | null | undefined = table; at && !lineage.includes(at); at = at.aggregate?.source)
    lineage.push(at)
  return lineage
}

/** A value of the table's time column in microseconds since 1970; null where its unit or zone is not known. */
export function microsIn(value: bigint, {time}: Pick<Table, 'time'>, clock: TableClock): bigint | null {
  if (time === 'integer') return clock.unit === null ? null : toMicros(value, clock.unit)
  if (time !== 'timestamp' && time !== 'date') return value
  return clock.zone === undefined ? null : instantOfLocal(clock.zone, value)
}
