/**
 * The mark of an intended drop: the first line of a partition's comment, above whatever comment it had.
 *
 * It has two states. "Intended" is written before the detach begins, and alone never allows a drop: the detach may have
 * failed since, and the table may have been detached by hand to keep its rows. "Detached" is written by the session
 * that detached it, together with the transaction that last changed the table's row in pg_class. Attached again,
 * detached by hand or altered in any way, the row has another transaction, and the mark is void.
 */
export interface DropMark {
  /** The partitioned table, as SQL reads its name. */
  of: string
  from: string | null
  to: string | null
  /** Seconds since 1970; null: no end, or none that is a time. */
  end: number | null
  /** The cut-off of the run that wrote it; keeps the marks of two runs apart. */
  cutoff: string
  /** The first transaction whose rows may be newer than the check of coverage; null: no aggregate needs them. */
  seen: string | null
}

export interface FoundMark extends DropMark {
  /** The mark as it was written when the drop was intended. */
  text: string
  /** The transaction that detached the table; null: only intended. */
  detachedBy: string | null
  /** Written by qicore-db before it recorded who detached the table: it allows no drop. */
  obsolete: boolean
}

/** How the first line of the comment begins, of marks of every version. */
export const dropMarkStart = 'qicore-db is dropping this partition'

const dropMarkPrefix = `${dropMarkStart}: `
export const detachedWords = ', detached by transaction '

const shape = new RegExp(`^(${dropMarkPrefix}(\\{.*\\}))(?:${detachedWords}(\\d+))?$`)

/** `… of public.ticks, from 2020-01-01T00:00:00Z to 2020-02-01T00:00:00Z, rows seen up to transaction 731`. */
const obsoleteShape = new RegExp(
  `^${dropMarkStart} of (.+), from (\\S+) to ([^\\s,]+)(?:, rows seen up to transaction (\\d+))?$`,
)

/** One line whatever the names are: JSON escapes line breaks. */
export function markText({of, from, to, end, cutoff, seen}: DropMark): string {
  return `${dropMarkPrefix}${JSON.stringify({of, from, to, end: Number.isFinite(end) ? end : null, cutoff, seen})}`
}

/** The mark in a table's comment; null where there is none that can be read. */
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
