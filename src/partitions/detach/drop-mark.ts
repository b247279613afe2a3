/**
 * The mark of an intended drop: the first line of a partition's comment, before any comment that the operator wrote.
 *
 * It has two states. "Intended" is written before the detach begins and never allows a drop: the detach may have
 * failed, and an operator may have detached the table to keep its rows. "Detached" is written by the session that
 * detached the table, with the transaction that last changed the table's row in pg_class. If the table is attached,
 * detached or altered afterwards, that row has another transaction, and the mark is void.
 */
export interface DropMark {
  /** Name of the partitioned table, quoted as in SQL. */
  of: string
  from: string | null
  to: string | null
  /** End of the range in seconds since 1970; null if there is none or it is not a time. */
  end: number | null
  /** The cutoff of the run that wrote it; distinguishes the marks of two runs. */
  cutoff: string
  /** The first transaction whose rows may be newer than the check of coverage; null if no aggregate needs them. */
  seen: string | null
}

export interface FoundMark extends DropMark {
  /** The mark as written before the detach. */
  text: string
  /** The transaction that detached the table; null if the drop is only intended. */
  detachedBy: string | null
  /** Written by a version of qicore-db that did not record which transaction detached the table: it allows no drop. */
  obsolete: boolean
}

/** Beginning of the first line of the comment, in marks of every version. */
export const dropMarkStart = 'qicore-db is dropping this partition'

const dropMarkPrefix = `${dropMarkStart}: `
export const detachedWords = ', detached by transaction '

const shape = new RegExp(`^(${dropMarkPrefix}(\\{.*\\}))(?:${detachedWords}(\\d+))?$`)

/** `… of public.ticks, from 2020-01-01T00:00:00Z to 2020-02-01T00:00:00Z, rows seen up to transaction 731`. */
const obsoleteShape = new RegExp(
  `^${dropMarkStart} of (.+), from (\\S+) to ([^\\s,]+)(?:, rows seen up to transaction (\\d+))?$`,
)

/** The text of a mark. Always one line: JSON escapes line breaks in names. */
export function markText({of, from, to, end, cutoff, seen}: DropMark): string {
  return `${dropMarkPrefix}${JSON.stringify({of, from, to, end: Number.isFinite(end) ? end : null, cutoff, seen})}`
}

/** The mark in a table's comment; null if there is none that can be parsed. */
export function parseMark(comment: string | null): FoundMark | null {
  const line = comment?.split('\n', 1)[0] ?? ''
  const [, text, json, detachedBy] = shape.exec(line) ?? []
  if (text === undefined) return parseObsoleteMark(line)
  try {
    return {...(JSON.parse(json!) as DropMark), text, detachedBy: detachedBy ?? null, obsolete: false}
  } catch {
    return null
  }
}

function parseObsoleteMark(line: string): FoundMark | null {
  const [, of, from, to, seen] = obsoleteShape.exec(line) ?? []
  if (of === undefined) return null
  const end = Date.parse(to!) / 1000
  const instant = (text: string) => (Number.isNaN(Date.parse(text)) ? null : text)
  return {
    of,
    from: instant(from!),
    to: instant(to!),
    end: Number.isNaN(end) ? null : end,
    cutoff: '',
    seen: seen ?? null,
    text: line,
    detachedBy: null,
    obsolete: true,
  }
}
