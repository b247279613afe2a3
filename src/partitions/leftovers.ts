import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Child} from './children.js'
import {dropMarkStart, parseMark, type FoundMark} from './drop-mark.js'

/** A table that is no partition any more and carries the mark of a drop. */
export interface Leftover extends Pick<Child, 'parent' | 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'> {
  mark: FoundMark
  /**
   * Whether the drop itself detached it, and nothing changed it since: only then may the next run drop it. Otherwise it
   * may have been detached by hand, to keep its rows.
   */
  detachedToDrop: boolean
}

interface LeftoverRow extends Pick<Leftover, 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'> {
  comment: string
  changed_by: string
}

/** @param relations the sets they belonged to */
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
