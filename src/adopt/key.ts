import {usageError} from '../errors.js'
import type {KeyDeclaration, TimeKey} from '../catalog/time-key.js'
import {timeKeyOfColumn} from './periods.js'
import {relationOf, type ColumnFacts, type IndexFacts, type Inventory} from './inventory.js'

/** The columns by which a changed row is found again in the copy. */
export interface RowKey {
  columns: string[]
  /** The key or index that both tables have on these columns. */
  index: IndexFacts
  /** At most one row has a value. If not, all rows with the value of a changed row are copied again. */
  unique: boolean
}

/** The column of the partitions and how it stores time. */
export interface KeyColumn {
  column: ColumnFacts
  key: TimeKey
}

/**
 * The column that becomes the partition key.
 * @param name null if the operator gave none: then the table must have one date or timestamp
 * @param declared how an integer, a uuid or a text stores time; null if the table is not declared
 * @throws OpsError NO_SUCH_COLUMN, PARTITION_KEY
 */
export function keyColumn(inventory: Inventory, name: string | null, declared: KeyDeclaration | null): KeyColumn {
  const relation = relationOf(inventory)
  if (name !== null) {
    const column = inventory.columns.find((one) => one.name === name)
    if (column === undefined) throw usageError('NO_SUCH_COLUMN', `${relation} has no column ${name}.`)
    const key = column.generated === '' ? timeKeyOfColumn(column, declared) : null
    if (key !== null) return {column, key}
    throw usageError(
      'PARTITION_KEY',
      `${relation} cannot be partitioned by ${name} (${column.type}${column.generated === '' ? '' : ', generated'}).`,
      [
        'Choose a column of type timestamptz, timestamp or date that is not generated.',
        `For an integer, a UUIDv7 or a ULID declare how it stores time: tables.${relation} in the configuration.`,
      ],
    )
  }
  const candidates = inventory.columns.flatMap((column) => {
    const key = column.generated === '' ? timeKeyOfColumn(column, null) : null
    return key === null ? [] : [{column, key}]
  })
  const required = candidates.filter(({column}) => column.notNull)
  const likely = required.length > 0 ? required : candidates
  if (likely.length === 1) return likely[0]!
  throw usageError(
    'PARTITION_KEY',
    likely.length === 0
      ? `${relation} has no column of type timestamptz, timestamp or date.`
      : `${relation} has ${likely.length} columns of time: ${likely.map(({column}) => column.name).join(', ')}.`,
    ['Name the column of the partitions: --key <column>.'],
  )
}

/** The smallest unique key without NULLs, else an index that begins with the column of the partitions. */
export function rowKey({columns, indexes}: Inventory, {name}: ColumnFacts): RowKey | null {
  const required = new Set(columns.filter(({notNull}) => notNull).map((column) => column.name))
  const usable = indexes.filter(
    ({valid, partial, deferrable, method, columns: keys}) =>
      valid && !partial && !deferrable && method === 'btree' && keys.every((key) => key !== ''),
  )
  const unique = usable
    .filter((index) => index.unique && index.columns.includes(name) && index.columns.every((key) => required.has(key)))
    .sort((a, b) => Number(b.primary) - Number(a.primary) || a.columns.length - b.columns.length)
  if (unique[0]) return {columns: unique[0].columns, index: unique[0], unique: true}
  const plain = usable.find((index) => !index.unique && index.columns[0] === name)
  return plain === undefined ? null : {columns: [name], index: plain, unique: false}
}

/** Whether the rows of one period can be read by an index. */
export function hasTimeIndex({indexes}: Inventory, {name}: ColumnFacts): boolean {
  return indexes.some((index) => index.valid && !index.partial && index.method === 'btree' && index.columns[0] === name)
}
