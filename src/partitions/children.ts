import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Instant} from '../units/instant.js'
import {parseMark, type FoundMark} from './detach/drop-mark.js'
import {readDistributedSizes, type MeasuredTable} from '../catalog/citus-sizes.js'
import {highest, overlaps, type Span} from '../catalog/span.js'
import {compareAscending} from '../units/compare.js'
import {epochsOf, instantsOf, rangeOfBound, type KeyRange} from './key-range.js'
import type {PartitionSet} from './sets.js'

/** A partition in the catalog. A bound is null if it is not a time, or infinite. */
export interface Child {
  parent: string
  relation: string
  schema: string
  partition: string
  kind: 'r' | 'p' | 'f'
  bound: string
  isDefault: boolean
  /** A concurrent detach was begun and not finished: queries on the parent do not see its rows, and inserts fail. */
  pending: boolean
  /** Its bounds as times; null if they are not. */
  range: KeyRange | null
  from: Instant | null
  to: Instant | null
  /** Seconds since 1970, infinite without a bound; null if the bound is not a time. */
  fromEpoch: number | null
  toEpoch: number | null
  rows: number | null
  /** Null if sizes were not requested, or another session has locked the partition ACCESS EXCLUSIVE. */
  bytes: number | null
  locked: boolean
  /** The mark of a run that intended to drop it. */
  mark: FoundMark | null
}

type ChildRow = Pick<
  Child,
  'parent' | 'relation' | 'schema' | 'partition' | 'kind' | 'bound' | 'pending' | 'rows' | 'bytes' | 'locked'
> & {comment: string | null; is_default: boolean}

type KeyedSet = Pick<PartitionSet, 'relation' | 'key'>

/** The partitions of some tables, oldest first; those whose bounds are not times come last. */
export async function readChildren(db: Database, sets: readonly KeyedSet[], sizes: boolean): Promise<Child[]> {
  if (sets.length === 0) return []
  const keys = new Map(sets.map(({relation, key}) => [relation, key]))
  const rows = await db.query<ChildRow>(statement(loadSql('partitions/children'), [[...keys.keys()], sizes]))
  const {byName} = sizes ? await readDistributedSizes(db) : {byName: null}
  return rows
    .map(({is_default: isDefault, comment, ...rest}): Child => {
      const key = keys.get(rest.parent) ?? null
      const range = key === null ? null : rangeOfBound(key, rest.bound)
      return {
        ...rest,
        ...measuredOnNodes(byName?.get(rest.relation)),
        isDefault,
        range,
        ...(range === null
          ? {from: null, to: null, fromEpoch: null, toEpoch: null}
          : {...instantsOf(range), ...epochsOf(range)}),
        mark: parseMark(comment),
      }
    })
    .sort((a, b) => compareAscending(startOf(a), startOf(b)))
}

/** The relation of a partition that Citus distributes is empty here: its rows and bytes are those of its shards. */
function measuredOnNodes(table: MeasuredTable | undefined): Partial<Pick<Child, 'rows' | 'bytes' | 'locked'>> {
  if (table === undefined) return {}
  return {rows: table.rows, bytes: table.bytes, ...(table.missing === 'locked' && {locked: true})}
}

function startOf({range}: Child): bigint {
  return range === null ? highest + 1n : range.start
}

/** The first partition that overlaps a range. */
export function overlapping(children: readonly Child[], span: Span): Child | undefined {
  return children.find(({range}) => range !== null && overlaps(range, span))
}

/** The range of a partition in words: PostgreSQL's text of the bounds if it is not a time range. */
export function rangeWords({from, to, bound, isDefault}: Child): string {
  if (isDefault) return 'default'
  return from === null && to === null ? bound.toLowerCase() : `${from ?? 'the beginning'} to ${to ?? 'the end'}`
}
