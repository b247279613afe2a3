/** A parsed column type, for the generators of SQL, Drizzle and zod. */
export interface ColumnType {
  base: BaseType
  /** Length, or precision and scale. */
  args: readonly number[]
  array: boolean
}

export type BaseType = keyof typeof spellings

/** Accepted spellings; the first one is used for output. */
const spellings = {
  smallserial: [],
  serial: [],
  bigserial: [],
  smallint: ['int2'],
  integer: ['int', 'int4'],
  bigint: ['int8'],
  numeric: ['decimal'],
  real: ['float4'],
  'double precision': ['float8', 'float'],
  boolean: ['bool'],
  text: [],
  varchar: ['character varying'],
  char: ['character'],
  uuid: [],
  bytea: [],
  json: [],
  jsonb: [],
  inet: [],
  date: [],
  timestamp: ['timestamp without time zone'],
  timestamptz: ['timestamp with time zone'],
  interval: [],
} as const satisfies Record<string, readonly string[]>

const bases = new Map<string, BaseType>(
  Object.entries(spellings).flatMap(([base, others]) =>
    [base, ...others].map((spelling) => [spelling, base as BaseType]),
  ),
)

/** The number of arguments a type may have; absent: none. */
const arity: Partial<Record<BaseType, readonly number[]>> = {
  numeric: [0, 1, 2],
  varchar: [0, 1],
  char: [0, 1],
  timestamp: [0, 1],
  timestamptz: [0, 1],
}

/** Null if it is not a type that every generator supports. */
export function readType(text: string): ColumnType | null {
  const match = /^([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d{1,4}(?:\s*,\s*\d{1,4})?)\s*\))?\s*(\[\])?$/i.exec(text.trim())
  const base = match && bases.get(match[1]!.toLowerCase().replace(/\s+/g, ' '))
  if (!base) return null
  const args = match[2] === undefined ? [] : match[2].split(',').map(Number)
  const array = match[3] !== undefined
  if (!(arity[base] ?? [0]).includes(args.length) || (array && isSerial(base))) return null
  return {base, args, array}
}

export function isSerial(base: BaseType): boolean {
  return base.endsWith('serial')
}

/** The canonical spelling: `decimal(20, 8)` becomes `numeric(20,8)`. */
export function typeSql({base, args, array}: ColumnType): string {
  return `${base}${args.length > 0 ? `(${args.join(',')})` : ''}${array ? '[]' : ''}`
}

/** Every type name that {@link readType} accepts, for error messages. */
export const knownTypes: readonly string[] = Object.keys(spellings)
