import {plural} from '../../units/plural.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import type {Value} from '../../db/sql.js'
import {formatBytes} from '../../units/bytes.js'
import {formatInstant, type Instant} from '../../units/instant.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import {NotKnown, type Finding, type Fix, type Severity} from '../finding.js'
import {advice, objectOf, rollUp, sqlFix} from '../shared.js'

/** Statements on the table that had no use for an index: fewer prove nothing. */
const enoughScans = 1_000
/** Smaller ones cost less than the attention of an operator. */
const largeIndex = 1024 ** 2
/** Autovacuum begins at a fifth; with twice that it does not keep up. */
const deadShare = 0.4
const manyDead = 10_000
/** Half of the table is air, and enough of it to be worth a lock. */
export const bloatShare = 0.5
export const muchBloat = 100 * 1024 ** 2
/** VACUUM gives up everything else to freeze from here on (vacuum_failsafe_age); at 2.1 billion the server stops. */
const failsafeAge = 1_600_000_000

export interface TableRow {
  root: number
  schema: string
  table: string
}

interface IndexRow extends TableRow {
  index: string
  scans: number
  table_scans: number
  bytes: number
  /** The same for indexes of a table with the same columns. */
  shape: number
  needed: boolean
  constrains: boolean
  has_parts: boolean
}

interface InvalidRow extends TableRow {
  index: string
  is_unique: boolean
  partitioned: boolean
  left_by_reindex: boolean
  bytes: number
}

interface VacuumRow extends TableRow {
  dead: number
  live: number
  vacuumed_at: Instant | null
  /** Null where no transaction is recorded. */
  xid_age: number | null
  mxid_age: number
  autovacuum_off: boolean
  freeze_max_age: number
}

export interface BloatRow extends TableRow {
  bytes: number
  expected: number
  unreadable: number
}

export interface DatabaseAge {
  database: string
  /** Null where no transaction is recorded. */
  xid_age: number | null
  mxid_age: number
  here: boolean
  freeze_max_age: number
  prepared: number
}

/** Rows of a statement about all tables, each with the table as the operator knows it. */
export async function rollUpRows<Row extends TableRow>(
  context: CheckContext,
  name: string,
): Promise<(Row & {of: Table | null})[]> {
  const {tables} = await context.snapshot()
  const {relations, roots} = rollUp(tables)
  const values: Value[] = [relations, roots, context.request.table === undefined]
  const rows = await context.ask<Row>(name, values)
  const byRelation = new Map(tables.map((table) => [table.relation, table]))
  return rows.map((row) => ({...row, of: byRelation.get(row.root) ?? null}))
}

export function about({of, schema, table}: TableRow & {of: Table | null}): {object: Finding['object']; name: string} {
  return of === null
    ? {object: {schema, table}, name: formatQualifiedName(schema, table)}
    : {object: objectOf(of), name: qualifiedName(of)}
}

/** Where VACUUM finds the rows: of an aggregate, in the table under its view. */
export function storageOf({of, schema, table}: TableRow & {of: Table | null}): string {
  return of === null ? formatQualifiedName(schema, table) : formatQualifiedName(of.storage.schema, of.storage.name)
}

/** PostgreSQL drops an index with parts under a lock only. */
function dropIndex({index, has_parts: hasParts}: Pick<IndexRow, 'index' | 'has_parts'>): Fix {
  return sqlFix(hasParts ? `drop index ${index}` : `drop index concurrently ${index}`)
}

const readIndexUse = (context: CheckContext) => rollUpRows<IndexRow>(context, 'index-use')
const readVacuumState = (context: CheckContext) => rollUpRows<VacuumRow>(context, 'vacuum-state')

async function unused(context: CheckContext): Promise<Finding[]> {
  const rows = await context.once(readIndexUse)
  return rows
    .filter((row) => row.scans === 0 && row.table_scans >= enoughScans && !row.needed && !row.constrains)
    .filter(({bytes}) => bytes >= largeIndex)
    .map((row) => ({
      severity: 'warning',
      object: about(row).object,
      message:
        `Index ${row.index} was never used, while the other indexes of the table were used ${row.table_scans} ` +
        `times; it takes ${formatBytes(row.bytes)} and slows every insert. A replica may use it: its own ` +
        'statistics say so.',
      data: {index: row.index, scans: row.scans, tableScans: row.table_scans, bytes: row.bytes},
      fix: dropIndex(row),
    }))
}

async function duplicates(context: CheckContext): Promise<Finding[]> {
  const rows = await context.once(readIndexUse)
  return rows.flatMap((row): Finding[] => {
    if (row.constrains || row.needed) return []
    const same = rows.filter(({root, shape}) => root === row.root && shape === row.shape)
    // The one that enforces something stays, else the first by name.
    const kept = same.find(({constrains, needed}) => constrains || needed) ?? same[0]!
    if (kept.index === row.index) return []
    return [
      {
        severity: 'warning',
        object: about(row).object,
        message:
          `Index ${row.index} has the same columns as ${kept.index}: every insert writes both, and queries need ` +
          `one. It takes ${formatBytes(row.bytes)}.`,
        data: {index: row.index, sameAs: kept.index, bytes: row.bytes},
        fix: dropIndex(row),
      },
    ]
  })
}

async function invalid(context: CheckContext): Promise<Finding[]> {
  const rows = await rollUpRows<InvalidRow>(context, 'invalid-indexes')
  return rows.map((row) => {
    const {index, is_unique: isUnique, partitioned, left_by_reindex: left} = row
    // Making a unique one again fails for the reason for which it failed.
    const drop = isUnique || left
    const fix = drop ? sqlFix(`drop index concurrently ${index}`) : sqlFix(`reindex index concurrently ${index}`)
    return {
      severity: 'warning' as const,
      object: about(row).object,
      message: partitioned
        ? `Index ${index} is not valid: a partition has no such index.`
        : `Index ${index} is not valid: its creation failed. No query uses it, and every write maintains it.`,
      data: {index, unique: isUnique, bytes: row.bytes},
      fix: partitioned
        ? advice(`Create the index on each partition and attach it: alter index ${index} attach partition …`)
        : fix,
    }
  })
}

async function deadRows(context: CheckContext): Promise<Finding[]> {
  const rows = await context.once(readVacuumState)
  return rows
    .filter(({dead, live}) => dead >= manyDead && dead >= deadShare * (live + dead))
    .map((row) => {
      const last =
        row.vacuumed_at === null ? 'no VACUUM is recorded' : `the last VACUUM was at ${formatInstant(row.vacuumed_at)}`
      const off = row.autovacuum_off ? ' Autovacuum is off for it.' : ''
      return {
        severity: 'warning' as const,
        object: about(row).object,
        message:
          `${row.dead} dead rows beside ${row.live} live ones; ${last}.${off} An old transaction or slot may hold ` +
          'them back.',
        data: {dead: row.dead, live: row.live, vacuumedAt: row.vacuumed_at, autovacuumOff: row.autovacuum_off},
        fix: sqlFix(`vacuum (analyze) ${storageOf(row)}`),
      }
    })
}

async function bloat(context: CheckContext): Promise<Finding[]> {
  const rows = await rollUpRows<BloatRow>(context, 'bloat')
  const findings = rows
    .filter(({bytes, expected}) => bytes - expected >= muchBloat && bytes - expected >= bloatShare * bytes)
    .map((row): Finding => {
      const wasted = row.bytes - row.expected
      return {
        severity: 'warning',
        object: about(row).object,
        message:
          `It takes ${formatBytes(row.bytes)}, about ${formatBytes(wasted)} of which are empty (estimated from ` +
          'the widths of its columns). VACUUM FULL frees them, and locks each table while it runs.',
        data: {bytes: row.bytes, expectedBytes: row.expected, wastedBytes: wasted},
        fix: sqlFix(`vacuum (full, analyze) ${storageOf(row)}`),
      }
    })
  const unreadable = rows.filter((row) => row.unreadable > 0)
  if (findings.length > 0 || unreadable.length === 0) return findings
  throw new NotKnown(
    `The statistics of ${plural(unreadable.length, 'table')} cannot be read: ` +
      `${unreadable.map((row) => about(row).name).join(', ')} were never analyzed, or this role may not read them ` +
      'with SELECT.',
    sqlFix(unreadable.map((row) => `analyze ${storageOf(row)}`).join('; ')),
  )
}

/** Null while autovacuum keeps up. */
function ageSeverity(age: number, freezeMaxAge: number): Severity | null {
  if (age >= failsafeAge) return 'critical'
  // Autovacuum freezes what is older than freezeMaxAge by itself; twice that it was kept from.
  return age >= 2 * freezeMaxAge ? 'warning' : null
}

async function oldTables(context: CheckContext): Promise<Finding[]> {
  const rows = await context.once(readVacuumState)
  return rows.flatMap((row): Finding[] => {
    const age = Math.max(row.xid_age ?? 0, row.mxid_age)
    const severity = ageSeverity(age, row.freeze_max_age)
    if (severity === null) return []
    return [
      {
        severity,
        object: about(row).object,
        message:
          `Its oldest transaction is ${age} transactions old; autovacuum freezes from ${row.freeze_max_age} on ` +
          'and was kept from it. At 2.1 billion the server refuses writes.',
        data: {transactionAge: row.xid_age, multixactAge: row.mxid_age, freezeMaxAge: row.freeze_max_age},
        fix: sqlFix(`vacuum (freeze) ${storageOf(row)}`),
      },
    ]
  })
}

/** What is wrong with the databases of a server by the ages of their oldest transactions. */
export function databaseAges(rows: readonly DatabaseAge[]): Finding[] {
  return rows.flatMap((row): Finding[] => {
    const age = Math.max(row.xid_age ?? 0, row.mxid_age)
    const severity = ageSeverity(age, row.freeze_max_age)
    if (severity === null) return []
    const prepared = row.prepared > 0 ? ` ${plural(row.prepared, 'prepared transaction')} may hold it back.` : ''
    return [
      {
        severity,
        object: null,
        message:
          `The oldest transaction of the database ${row.database} is ${age} transactions old. At 2.1 billion the ` +
          `whole server refuses writes.${prepared}`,
        data: {database: row.database, transactionAge: row.xid_age, multixactAge: row.mxid_age},
        fix: row.here ? sqlFix('vacuum (freeze)') : advice(`In the database ${row.database}: vacuum (freeze)`),
      },
    ]
  })
}

const check = (
  id: string,
  words: Pick<Check, 'passes' | 'problem'>,
  run: Check['run'],
  scope: Check['about'] = 'tables',
): Check => ({id: `indexes.${id}`, about: scope, ...words, run})

export const indexChecks: readonly Check[] = [
  check('unused', {passes: 'Every large index is used.', problem: 'indexes that no query uses'}, unused),
  check('duplicate', {passes: 'No two indexes have the same columns.', problem: 'duplicate indexes'}, duplicates),
  check('invalid', {passes: 'Every index is valid.', problem: 'invalid indexes'}, invalid),
  check('dead_rows', {passes: 'VACUUM keeps up with dead rows.', problem: 'tables with many dead rows'}, deadRows),
  check('bloat', {passes: 'No table is mostly empty.', problem: 'tables that are mostly empty'}, bloat),
  check(
    'table_age',
    {passes: 'VACUUM freezes old rows of every table in time.', problem: 'tables with very old transaction ids'},
    oldTables,
  ),
  check(
    'transaction_age',
    {passes: 'No database of the server is near the wraparound.', problem: 'databases with very old transaction ids'},
    async (context) => databaseAges(await context.ask<DatabaseAge>('transaction-age')),
    'database',
  ),
]
