import type {Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {quoteIdent, statement} from '../db/sql.js'
import type {ExportFormat} from './settings.js'

/** How a file stores the values of a column. CSV has text only. */
export type Stored =
  | 'boolean'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float'
  | 'double'
  | 'decimal'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'binary'
  | 'json'
  | 'text'

/** A column of the table, and how it travels and is stored. */
export interface Column {
  name: string
  /** PostgreSQL's type with its modifiers, a domain by its own name. */
  type: string
  stored: Stored
  /** For decimal. */
  precision?: number
  scale?: number
  /** The value as the server sends it. */
  expression: string
  /** The type of the expression, by its oid: it is part of the binary form of a row. */
  oid: number
  /** A condition for values that the stored type cannot hold; null if it holds every value. */
  unfit: string | null
  /** Why it is stored as text although its type has a counterpart; null if it is not. */
  asText: string | null
}

interface CatalogColumn {
  name: string
  type: string
  base: number
  modifier: number
}

type Mapping = Pick<Column, 'stored' | 'oid' | 'expression'> & Partial<Column>

const textOid = 25

/** The columns of a relation as a format stores them. */
export async function readColumns(db: Db, relation: string, format: ExportFormat): Promise<Column[]> {
  const rows = await db.query<CatalogColumn>(statement(loadSql('export/columns'), [relation]))
  return rows.map((row) => columnOf(row, format))
}

function columnOf({name, type, base, modifier}: CatalogColumn, format: ExportFormat): Column {
  const ident = quoteIdent(name)
  const mapping = format === 'csv' ? asText(ident) : (mappings[base]?.(ident, modifier) ?? asText(ident))
  return {name, type, unfit: null, asText: null, ...mapping}
}

/** The same column, stored as text because of values that its type in the file cannot hold. */
export function storedAsText(column: Column, reason: string): Column {
  const {name, type} = column
  return {name, type, unfit: null, ...asText(quoteIdent(name)), asText: reason}
}

/** Every type has a cast to text. Under the settings of the export the text is exact and can be read back. */
function asText(ident: string): Mapping {
  return {stored: 'text', oid: textOid, expression: `${ident}::text`}
}

const plain =
  (stored: Stored, oid: number, cast: string) =>
  (ident: string): Mapping => ({stored, oid, expression: `${ident}::${cast}`})

/** NaN has many bit patterns, which PostgreSQL treats as equal and a file may change into each other. */
const float =
  (stored: Stored, oid: number, cast: string) =>
  (ident: string): Mapping => ({
    stored,
    oid,
    expression: `case when ${ident} = 'NaN' then 'NaN'::${cast} else ${ident}::${cast} end`,
  })

/** Microseconds since 1970 in 64 bits end a few decades before the last timestamp of PostgreSQL. */
const timestamp =
  (stored: Stored, oid: number, cast: string) =>
  (ident: string): Mapping => ({
    ...plain(stored, oid, cast)(ident),
    unfit: `${ident} >= '294240-01-01 00:00:00+00' or ${ident} = '-infinity'`,
  })

/**
 * By the oid of the base type; oids of built-in types never change. Values travel in their binary form, except numeric
 * and json, whose text is simpler to read and says the same.
 */
const mappings: Readonly<Record<number, (ident: string, modifier: number) => Mapping | null>> = {
  16: plain('boolean', 16, 'bool'),
  17: plain('binary', 17, 'bytea'),
  20: plain('int64', 20, 'int8'),
  21: plain('int16', 21, 'int2'),
  23: plain('int32', 23, 'int4'),
  // oid and xid are unsigned: a signed 64-bit integer holds them.
  26: plain('int64', 20, 'int8'),
  19: plain('text', 25, 'text'),
  25: plain('text', 25, 'text'),
  1042: (ident) => ({stored: 'text', oid: 1042, expression: `${ident}::bpchar`}),
  1043: plain('text', 25, 'text'),
  114: plain('json', 25, 'text'),
  3802: plain('json', 25, 'text'),
  700: float('float', 700, 'float4'),
  701: float('double', 701, 'float8'),
  1082: (ident) => ({...plain('date', 1082, 'date')(ident), unfit: `not isfinite(${ident})`}),
  1083: (ident) => ({...plain('time', 1083, 'time')(ident), unfit: `${ident} = '24:00'`}),
  1114: timestamp('timestamp', 1114, 'timestamp'),
  1184: timestamp('timestamptz', 1184, 'timestamptz'),
  1700: (ident, modifier) => decimal(ident, modifier),
  2950: plain('uuid', 2950, 'uuid'),
}

/**
 * A numeric with a precision of at most 38 digits is a decimal of Parquet. One without precision may have any number of
 * digits in each row, so it is text. The modifier holds precision and scale, the scale in 11 bits with sign.
 */
function decimal(ident: string, modifier: number): Mapping | null {
  if (modifier < 4) return null
  const precision = (modifier - 4) >> 16
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024
  if (precision > 38 || scale < 0 || scale > precision) return null
  return {stored: 'decimal', precision, scale, oid: textOid, expression: `${ident}::text`, unfit: `${ident} = 'NaN'`}
}
