import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Instant} from '../units/instant.js'
import {parseMark, type FoundMark} from './drop-mark.js'
import {readDistributedTables} from '../catalog/distributed.js'

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

interface ChildRow extends Omit<Child, 'isDefault' | 'fromEpoch' | 'toEpoch' | 'mark'> {
  comment: string | null
  is_default: boolean
  from_epoch: number | null
  to_epoch: number | null
}

/** The partitions of some tables, oldest first. */
export async function readChildren(db: Database, relations: readonly string[], sizes: boolean): Promise<Child[]> {
  const rows = await db.query<ChildRow>(statement(loadSql('partitions/children'), [relations, sizes]))
  const {names} = await readDistributedTables(db)
  return rows.map(({is_default: isDefault, from_epoch: fromEpoch, to_epoch: toEpoch, comment, ...rest}) => ({
    ...rest,
    ...(names.has(rest.relation) && {rows: null, bytes: null}),
    isDefault,
    fromEpoch,
    toEpoch,
    mark: parseMark(comment),
  }))
}

interface Range {
  fromEpoch: number
  toEpoch: number
}

/** The first partition that overlaps a range. */
export function overlapping(children: readonly Child[], {fromEpoch, toEpoch}: Range): Child | undefined {
  return children.find(
    (child) =>
      child.fromEpoch !== null && child.toEpoch !== null && child.fromEpoch < toEpoch && child.toEpoch > fromEpoch,
  )
}

export function holds(child: Child, {fromEpoch, toEpoch}: Range): boolean {
  return child.fromEpoch !== null && child.toEpoch !== null && child.fromEpoch <= fromEpoch && child.toEpoch >= toEpoch
}

/** The range of a partition in words: PostgreSQL's text of the bounds if it is not a time range. */
export function rangeWords({from, to, bound, isDefault}: Child): string {
  if (isDefault) return 'default'
  return from === null && to === null ? bound.toLowerCase() : `${from ?? 'the beginning'} to ${to ?? 'the end'}`
}
