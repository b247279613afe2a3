import {usageError} from '../errors.js'
import {isTimeType} from './periods.js'
import {relationOf, type ColumnFacts, type IndexFacts, type Inventory} from './inventory.js'

/** The columns by which a changed row is found again in the copy. */
export interface RowKey {
  columns: string[]
  /** The key or index that both tables have on these columns. */
  index: IndexFacts
  /** At most one row has a value. If not, all rows with the value of a changed row are copied again. */
  unique: boolean
}

/**
 * The column that becomes the partition key.
 * @param name null if the operator gave none: then the table must have one candidate
 * @throws OpsError NO_SUCH_COLUMN, PARTITION_KEY
 */
export function keyColumn(inventory: Inventory, name: string | null): ColumnFacts {
  const relation = relationOf(inventory)
  const candidates = inventory.columns.filter(({bareType, generated}) => isTimeType(bareType) && generated === '')
  if (name !== null) {
    const column = inventory.columns.find((one) => one.name === name)
    if (column === undefined) throw usageError('NO_SUCH_COLUMN', `${relation} has no column ${name}.`)
    if (!candidates.includes(column))
      throw usageError(
        'PARTITION_KEY',
        `${relation} cannot be partitioned by ${name} (${column.type}${column.generated === '' ? '' : ', generated'}).`,
        ['Choose a column of type timestamptz, timestamp or date that is not generated.'],
      )
    return column
  }
  const required = candidates.filter(({notNull}) => notNull)
  const likely = required.length > 0 ? required : candidates
  if (likely.length === 1) return likely[0]!
  throw usageError(
    'PARTITION_KEY',
    likely.length === 0
      ? `${relation} has no column of type timestamptz, timestamp or date.`
      : `${relation} has ${likely.length} columns of time: ${likely.map((one) => one.name).join(', ')}.`,
    likely.length === 0 ? [] : ['Name the column of the partitions: --key <column>.'],
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

