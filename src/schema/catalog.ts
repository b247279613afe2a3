import type {Database} from '../db/database.js'
import {can} from '../engines/index.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {quoteIdent, statement} from '../db/sql.js'

/** The objects of a database, by name and without oids, order or positions, so that two databases can be compared. */
export interface Snapshot {
  /** Keys are `schema.name`, quoted as in SQL, so that they are unique. */
  relations: Record<string, RelationSnapshot>
  /** Source text by signature. */
  routines: Record<string, string>
}

export interface RelationSnapshot {
  kind: 'table' | 'partitioned' | 'hypertable' | 'view' | 'materialized view' | 'aggregate'
  columns: Record<
    string,
    {type: string; nullable: boolean; default: string | null; identity: string | null; generated: string | null}
  >
  constraints: Record<string, string>
  indexes: Record<string, string>
  triggers: Record<string, string>
  partitionKey: string | null
  /** The query of a view or an aggregate. */
  definition: string | null
  dimensions: readonly Dimension[]
  compression: {segmentBy: string | null; orderBy: string | null} | null
  materializedOnly: boolean | null
  /** By Citus; null for a table of the coordinator, and on other engines. */
  distribution: Distribution | null
}

export interface Distribution {
  kind: 'hash' | 'reference' | 'local'
  column: string | null
  /** Names as in {@link Snapshot.relations}. */
  colocated: readonly string[]
}

export interface Dimension {
  column: string
  kind: 'time' | 'space'
  interval: string | null
  partitions: number | null
}

interface RelationRow
  extends Pick<RelationSnapshot, 'columns' | 'constraints' | 'indexes' | 'triggers' | 'partitionKey' | 'definition'> {
  schema: string
  name: string
  kind: 'table' | 'partitioned' | 'view' | 'materialized view'
}

interface DistributedRow extends Distribution {
  schema: string
  name: string
}

interface HypertableRow {
  schema: string
  name: string
  dimensions: Dimension[]
  segmentBy: string | null
  orderBy: string | null
  query: string | null
  materializedOnly: boolean | null
}

/** Reads the objects of some schemas, except those of extensions, chunks and child partitions. */
export async function readSnapshot(db: Database, schemas: readonly string[]): Promise<Snapshot> {
  const read = <Row extends object>(file: string) => db.query<Row>(statement(loadSql(`schema/${file}`), [schemas]))
  const relations = await read<RelationRow>('relations')
  const routines = await read<{name: string; definition: string}>('routines')
  const hypertables = can(db.server.engine, 'hypertables') ? await read<HypertableRow>('hypertables') : []
  const distributed = can(db.server.engine, 'distribution') ? await read<DistributedRow>('distributed') : []
  const qualifiedKey = ({schema, name}: {schema: string; name: string}) => formatQualifiedName(schema, name)
  const extended = new Map(hypertables.map((row) => [qualifiedKey(row), row]))
  const spread = new Map(
    distributed.map(({kind, column, colocated, ...row}) => [qualifiedKey(row), {kind, column, colocated}]),
  )
  return {
    relations: Object.fromEntries(
      relations.map((row) => [
        qualifiedKey(row),
        {...relationOf(row, extended.get(qualifiedKey(row))), distribution: spread.get(qualifiedKey(row)) ?? null},
      ]),
    ),
    routines: Object.fromEntries(routines.map(({name, definition}) => [name, definition])),
  }
}

function relationOf(
  {schema: _, name: __, ...row}: RelationRow,
  extended: HypertableRow | undefined,
): Omit<RelationSnapshot, 'distribution'> {
  if (!extended) return {...row, dimensions: [], compression: null, materializedOnly: null}
  const {dimensions, segmentBy, orderBy, query, materializedOnly} = extended
  return {
    ...row,
    kind: query === null ? 'hypertable' : 'aggregate',
    // The view of an aggregate refers to an internal hypertable by number; the query it was created with is comparable.
    definition: query ?? row.definition,
    dimensions,
    compression: segmentBy === null && orderBy === null ? null : {segmentBy, orderBy},
    materializedOnly,
  }
}

/** A difference between the expected and the actual state; null on the side where the object does not exist. */
export interface Difference {
  /** `public.crypto_prices columns.usd_price.type` */
  object: string
  path: string
  expected: unknown
  actual: unknown
}

/** All differences between two snapshots, each at its smallest named part; functions that triggers call come first. */
export function differences(expected: Snapshot, actual: Snapshot): Difference[] {
  return [...compareEach(expected.routines, actual.routines), ...compareEach(expected.relations, actual.relations)]
}

/** The path of a part; an ambiguous name is quoted. */
export function pathOf(...parts: readonly string[]): string {
  return parts.map((part) => (/^[a-z_][\w$]*$/i.test(part) ? part : quoteIdent(part))).join('.')
}

function compareEach<T>(expected: Record<string, T>, actual: Record<string, T>): Difference[] {
  return keysOf(expected, actual).flatMap((object) =>
    compare(own(expected, object), own(actual, object), '').map((difference) => ({object, ...difference})),
  )
}

/** Ignores inherited properties: a column may be called `constructor`. */
function own<T>(record: Record<string, T>, key: string): T | null {
  return Object.hasOwn(record, key) ? (record[key] ?? null) : null
}

function compare(expected: unknown, actual: unknown, path: string): Omit<Difference, 'object'>[] {
  if (isPlain(expected) && isPlain(actual))
    return keysOf(expected, actual).flatMap((key) =>
      compare(own(expected, key), own(actual, key), path === '' ? pathOf(key) : `${path}.${pathOf(key)}`),
    )
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length)
    return expected.flatMap((entry, index) => compare(entry, actual[index], `${path}[${index}]`))
  return JSON.stringify(expected) === JSON.stringify(actual) ? [] : [{path, expected, actual}]
}

function keysOf(...records: readonly object[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].sort()
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
