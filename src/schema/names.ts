import {quoteIdent} from '../db/sql.js'
import type {OrderedColumn} from './definition.js'

/** PostgreSQL silently truncates longer names. */
export const longestName = 63

export function tooLong(name: string): boolean {
  return Buffer.byteLength(name) > longestName
}

/**
 * Quotes a name only if PostgreSQL would otherwise read another one. Every reserved word is quoted, and also a few
 * words that psql quotes although they need no quotes.
 */
export function name(text: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(text) && !reserved.has(text) ? text : quoteIdent(text)
}

export function qualified(schema: string, table: string): string {
  return `${name(schema)}.${name(table)}`
}

export function names(columns: readonly string[]): string {
  return columns.map(name).join(', ')
}

export interface Ordered {
  column: string
  direction: 'asc' | 'desc'
}

/** Parses `time desc`, given the existing columns: a column itself may be called "x desc" or end with a space. */
export function readOrdered(text: OrderedColumn, columns: readonly string[]): Ordered | null {
  if (columns.includes(text)) return {column: text, direction: 'asc'}
  const [, before = '', direction] = /^(.*\s)(asc|desc)\s*$/is.exec(text) ?? []
  const column = [before.slice(0, -1), before.trimEnd()].find((candidate) => columns.includes(candidate))
  return column === undefined ? null : {column, direction: direction!.toLowerCase() as Ordered['direction']}
}

const reserved = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
  char character check coalesce collate collation column concurrently constraint create cross current_catalog
  current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
  desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
  grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array
  json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
  lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not
  notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real
  references returning right row select session_user setof similar smallint some substring symmetric system_user table
  tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose
  when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
  xmlserialize xmltable`.split(/\s+/),
)
// QiCore's tables all have a column of this name, which needs no quotes as a column or in an expression.
reserved.delete('time')
