import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Child} from '../children.js'
import {dropMarkStart, parseMark, type FoundMark} from './drop-mark.js'

/** A table that is no longer a partition and has the mark of a drop. */
export interface Leftover extends Pick<Child, 'parent' | 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'> {
  mark: FoundMark
  /**
   * Whether the drop detached it and it was not changed since: only then may the next run drop it. Otherwise an
   * operator may have detached it to keep its rows.
   */
  detachedToDrop: boolean
}

interface LeftoverRow extends Pick<Leftover, 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'> {
  comment: string
  changed_by: string
}

/** Tables that a drop detached, or was going to detach, by age. @param relations the sets they belonged to */
export async function readLeftovers(db: Database, relations: readonly string[]): Promise<Leftover[]> {
  const rows = await db.query<LeftoverRow>(statement(loadSql('partitions/leftovers'), [dropMarkStart]))
  return rows
    .flatMap(({comment, changed_by: changedBy, ...table}) => {
      const mark = parseMark(comment)
      if (mark === null || !relations.includes(mark.of)) return []
      return [{...table, parent: mark.of, mark, detachedToDrop: mark.detachedBy === changedBy}]
    })
    .sort((a, b) => (a.mark.end ?? Infinity) - (b.mark.end ?? Infinity) || (a.relation < b.relation ? -1 : 1))
}
