import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'

/**
 * The comment of a table that a drain fills with rows of a default partition. Queries on the set do not see these rows
 * before the table is attached, so every command that meets the table says so, and the next drain finishes it.
 */
export interface DrainMark {
  /** Name of the partitioned table, quoted as in SQL. */
  of: string
  lower: string
  upper: string
}

/** A table that a drain has not attached. */
export interface Drained extends DrainMark {
  relation: string
  schema: string
  partition: string
}

export const drainMarkStart = 'a drain of a default partition fills this table: '

export function drainMarkText({of, lower, upper}: DrainMark): string {
  return `${drainMarkStart}${JSON.stringify({of, lower, upper})}`
}

/** The tables that drains have not attached, of some sets. Takes no lock. */
export async function readDrained(db: Database, relations: readonly string[]): Promise<Drained[]> {
  const rows = await db.query<Pick<Drained, 'relation' | 'schema' | 'partition'> & {comment: string}>(
    statement(loadSql('partitions/drain-marks'), [drainMarkStart]),
  )
  return rows.flatMap(({comment, ...table}) => {
    const mark = parseMark(comment)
    return mark === null || !relations.includes(mark.of) ? [] : [{...table, ...mark}]
  })
}

function parseMark(comment: string): DrainMark | null {
  try {
    return JSON.parse(comment.slice(drainMarkStart.length)) as DrainMark
  } catch {
    return null
  }
}
