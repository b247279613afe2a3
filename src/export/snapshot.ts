import type {Database, Db, TransactionSettings} from '../db/database.js'
import {statement, type Statement} from '../db/sql.js'
import {OpsError} from '../errors.js'
import type {Instant} from '../units/instant.js'
import {readColumns, storedAsText, type Column} from './columns.js'
import type {Snapshot} from './manifest.js'
import type {ExportFormat} from './settings.js'
import {readSource, versionExpression, withoutDecompression, type Source, type Subject} from './source.js'

/**
 * The settings of the transaction of an export. All its queries see one snapshot: the checksum is that of the rows that
 * are sent. The locks keep TRUNCATE, compression and DROP away until the last row is sent, and block no reader or
 * writer.
 */
export function snapshotSettings(db: Database, source: Source, lockTimeout: number): TransactionSettings {
  const locks = source.lockable.map((name) => statement(`lock table only ${name} in access share mode`))
  return {readOnly: true, lockTimeout, statementTimeout: 0, role: db.target.role, snapshotAfter: locks}
}

/**
 * Texts of floating point numbers are exact, no row is hidden by row security (PostgreSQL raises an error instead), and
 * the server does not end a transaction that waits for a slow store.
 */
export const exactSettings: Statement = statement(
  `select set_config('extra_float_digits', '1', true), set_config('row_security', 'off', true),
  set_config('idle_in_transaction_session_timeout', '0', true), set_config('lc_monetary', 'C', true)`,
)

/** The rows of a relation in their binary form, one text in base64 a row. */
export function rowsQuery(columns: readonly Column[], relation: string): string {
  return `select encode(${rowExpression(columns)}, 'base64') as row from ${relation}`
}

function rowExpression(columns: readonly Column[]): string {
  return `record_send(row(${columns.map(({expression}) => expression).join(', ')}))`
}

const sumOfRows = `coalesce(sum(('x' || encode(substr(sha256(r), 1, 8), 'hex'))::bit(64)::int8), 0)`

/**
 * The query over a relation whose text is rows and checksum. The checksum is the sum of the first 64 bits of the
 * SHA-256 of each row, so it does not depend on the order of rows. MD5 is not available on servers in FIPS mode, and is
 * slower.
 */
export function contentQuery(columns: readonly Column[], relation: string): string {
  return `select concat(count(*), ' ', ${sumOfRows})
from (select ${rowExpression(columns)} as r from ${relation}) as rows`
}

interface ContentRow {
  content: string
  longest: number | null
  unfit: boolean[]
  at: Instant
}

/** A snapshot, and the bytes of its longest row in binary form. */
export interface OpenSnapshot extends Snapshot {
  longest: number
}

/** Reads columns, rows, checksum and row versions in the transaction of an export. */
export async function takeSnapshot(
  tx: Db,
  db: Database,
  subject: Subject,
  format: ExportFormat,
): Promise<OpenSnapshot> {
  await tx.query(exactSettings)
  // Read again under the lock: the relation may have been compressed since.
  const source = await readSource(tx, db.server, subject)
  const rowVersions = await readVersions(tx, db, source)
  let columns = await readColumns(tx, source.relation, format)
  if (columns.length === 0)
    throw new OpsError('EXPORT_EMPTY', `${source.relation} has no columns, so there is nothing to export.`)
  let content = await readContent(tx, columns, source.relation)
  if (content.unfit.some(Boolean)) {
    columns = columns.map((column, index) =>
      content.unfit[index] ? storedAsText(column, unfitReason(column)) : column,
    )
    content = await readContent(tx, columns, source.relation)
  }
  const [rows, checksum] = content.content.split(' ') as [string, string]
  return {
    at: content.at,
    source,
    columns,
    rows: Number(rows),
    checksum,
    query: contentQuery(columns, source.relation),
    rowVersions,
    longest: content.longest ?? 0,
  }
}

function unfitReason({stored, type}: Column): string {
  if (stored === 'decimal') return `${type} holds NaN, which a decimal of Parquet cannot`
  if (stored === 'time') return `${type} holds 24:00, which a time of Parquet cannot`
  return `${type} holds infinity or a time beyond 294240, which Parquet cannot`
}

async function readContent(tx: Db, columns: readonly Column[], relation: string): Promise<ContentRow> {
  const unfit = columns.map(({unfit: condition}) => condition ?? 'false')
  const aliases = unfit.map((_, index) => `unfit${index}`)
  const [row] = await tx.query<ContentRow>(
    statement(`select concat(count(*), ' ', ${sumOfRows}) as content, max(length(r)) as longest,
  array[${aliases.map((alias) => `coalesce(bool_or(${alias}), false)`).join(', ')}] as unfit, statement_timestamp() as at
from (select ${[rowExpression(columns), ...unfit].join(', ')} from ${relation}) as rows (${['r', ...aliases].join(', ')})`),
  )
  return row!
}

/** Row versions in the snapshot of the transaction; null if they cannot be compared. */
export async function readVersions(tx: Db, db: Database, {heaps}: Source): Promise<string | null> {
  if (heaps === null) return null
  if (db.server.chunkCatalog !== null) await tx.query(statement(`select ${withoutDecompression}`))
  const [row] = await tx.query<{versions: string}>(statement(`select ${versionExpression(heaps)} as versions`))
  if (db.server.chunkCatalog !== null) await tx.query(statement(`select ${withDecompression}`))
  return row!.versions
}

const withDecompression = `set_config('timescaledb.enable_transparent_decompression', 'on', true)`
