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
 * The current time on a table's scale, and how ages are computed there. TimescaleDB's policies, drop_chunks and
 * show_chunks compute them the same way:
 * - `timestamptz`, `uuid`: the server's clock; months and days of an age follow the calendar of the time zone
 * - `timestamp`: the local time in the time zone
 * - `date`: the local date; a cutoff within a day is the beginning of that day
 * - integers: integer_now, else the server's clock in the declared unit
 * The time zone is the one in which a policy of the table runs (sql/catalog/time-zones.sql), not that of this session.
 */
export interface TableClock {
  /** On the table's scale; null if neither the unit nor integer_now of an integer, or not the time zone, is known. */
  now: bigint | null
  /** Unit of an integer; null if it is not known, and for other types. */
  unit: TimeUnit | null
  /** Type of the time column; `timestamptz` if it is left out. */
  time?: Table['time']
  /** If it is left out: UTC for instants, unknown for local times. */
  zone?: ZoneRule
  /** Name of the time zone in PostgreSQL. */
  zoneName?: string
  /** Set if the declared unit cannot be that of the table's values; then `unit` is null. */
  contradiction?: UnitContradiction
}

/** A declared unit that contradicts the rows: with it they would be in 1970, far in the future, or far from now. */
export interface UnitContradiction {
  declared: TimeUnit
  /** The unit with which the newest values are current times; null if there is none. */
  seen: TimeUnit | null
  /** Where the rows would be with the declared unit. */
  rowsIn: '1970' | 'the future' | 'another time'
}

/** The second half of a sentence that begins with the declared unit: why it cannot be that of the rows. */
export function contradictionWords({seen, rowsIn}: UnitContradiction): string {
  const where = {
    '1970': 'with it every row would be in 1970',
    'the future': 'with it every row would be more than a hundred years in the future',
    'another time': 'with it the newest rows would be far from now',
  }[rowsIn]
  return seen === null
    ? `${where}, and no unit makes them current times`
    : `${where}; in ${seen} they are current times`
}

/**
 * The clock of each table.
 * @param zones the time zones of the tables, by owner
 * @param at the server's clock
 * @param units declared units of integer time, by schema.table
 */
export async function readClocks(
  db: Database,
  tables: readonly Table[],
  zones: Zones,
  at: Instant,
  units: ReadonlyMap<string, TimeUnit>,
): Promise<Map<Table, TableClock>> {
  const batch = batching(db)
  const called = new Map<string, Promise<bigint | null>>()
  const entries = tables.map(async (table) => {
    const clock = table.time === 'integer' ? await integerClock(table) : timeClock(table, at, zoneFor(table, zones))
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
      // integer_now is a function of the user: it may fail for any reason.
      if (isConnectionLost(error)) throw error
      return null
    }
  }
}

const hundredYears = 100n * 365n * 86_400_000_000n
const in1971 = 365n * 86_400_000_000n

/**
 * Null if the declared unit can be right. If no unit makes the newest value a current time, the unit is wrong only if
 * all rows would be in 1970 or more than a century ahead: rows of other years may be old data.
 * @param now the table's integer_now, if it has one
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

/** The time zone in which policies of an owner's tables run, and its offset from UTC. Null if it is not known. */
interface ZoneRow {
  owner: number
  time_zone: string | null
  utc_offset: string | null
}

/** By the oid of the owner; 0 is every role without a time zone of its own. */
export type Zones = ReadonlyMap<number, ZoneRow>

/** The time zones in which policies run. @param at null for now: the difference counts only as zones change */
export async function readZones(db: Database, at: Instant | null): Promise<Zones> {
  const rows = await db.query<ZoneRow>(statement(loadSql('catalog/time-zones'), [at]))
  return new Map(rows.map((row) => [row.owner, row]))
}

function zoneFor({owner}: Table, zones: Zones): ZoneRow | undefined {
  return owner === null ? undefined : (zones.get(owner) ?? zones.get(0))
}

function timeClock(table: Table, at: Instant, row: ZoneRow | undefined): TableClock {
  const {time} = table
  const offset = row?.utc_offset == null ? null : BigInt(row.utc_offset)
  const known = row === undefined || row.time_zone === null || offset === null ? {} : zoneOf(row.time_zone, offset)
  if (time === 'timestamp' || time === 'date')
    return {now: offset === null ? null : microsOf(at) + offset, unit: null, time, ...known}
  return {now: time === 'other' ? null : microsOf(at), unit: null, time, ...known}
}

/** PostgreSQL accepts POSIX time zones that Node does not know, `<+03>-3`: those have a fixed offset. */
function zoneOf(name: string, offset: bigint): Pick<TableClock, 'zone' | 'zoneName'> {
  return {zone: isZone(name) ? {name} : {fixedOffset: offset}, zoneName: name}
}

/** The table and, for an aggregate, the tables it reads, down to the hypertable with the rows. */
function sourcesOf(table: Table): Table[] {
  const lineage: Table[] = []
  for (let at: Table | null | undefined = table; at && !lineage.includes(at); at = at.aggregate?.source)
    lineage.push(at)
  return lineage
}

/** A value of the table's time column in microseconds since 1970; null if its unit or time zone is not known. */
export function microsIn(value: bigint, {time}: Pick<Table, 'time'>, clock: TableClock): bigint | null {
  if (time === 'integer') return clock.unit === null ? null : toMicros(value, clock.unit)
  if (time !== 'timestamp' && time !== 'date') return value
  return clock.zone === undefined ? null : instantOfLocal(clock.zone, value)
}
