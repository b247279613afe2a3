import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Instant} from '../units/instant.js'
import {parseMark, type FoundMark} from './drop-mark.js'
import {readDistributedTables} from '../catalog/distributed.js'

/** A partition as the catalogue has it; a bound that is no time is null, and so is one without end. */
export interface Child {
  parent: string
  relation: string
  schema: string
  partition: string
  kind: 'r' | 'p' | 'f'
  bound: string
  isDefault: boolean
  /** Detaching was begun and not finished: its rows are gone from the parent, and no row may come. */
  pending: boolean
  from: Instant | null
  to: Instant | null
  /** Seconds, infinite where there is no end; null where the bound is no time. */
  fromEpoch: number | null
  toEpoch: number | null
  rows: number | null
  /** Null where it was not asked, or another session holds the partition exclusively. */
  bytes: number | null
  locked: boolean
  /** The mark of a run that was going to drop it. */
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

/** The partition that overlaps a range, or holds it already. */
export function overlapping(children: readonly Child[], {fromEpoch, toEpoch}: Range): Child | undefined {
  return children.find(
    (child) =>
      child.fromEpoch !== null && child.toEpoch !== null && child.fromEpoch < toEpoch && child.toEpoch > fromEpoch,
  )
}

export function holds(child: Child, {fromEpoch, toEpoch}: Range): boolean {
  return child.fromEpoch !== null && child.toEpoch !== null && child.fromEpoch <= fromEpoch && child.toEpoch >= toEpoch
}

/** A child's range for people: what PostgreSQL itself says where it is no range of time. */
export function rangeWords({from, to, bound, isDefault}: Child): string {
  if (isDefault) return 'default'
  return from === null && to === null ? bound.toLowerCase() : `${from ?? 'the beginning'} to ${to ?? 'the end'}`
}
