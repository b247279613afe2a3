import {contradictionAdvice, timeUnitAdvice} from '../catalog/time-unit-advice.js'
import type {ChunkBytes} from '../catalog/chunk-bytes.js'
import {contradictionWords, type TableClock} from '../catalog/table-clock.js'
import type {EndProblem} from '../catalog/time-range.js'
import {has, qualifiedName, type Table} from '../catalog/table.js'

/** Notes on chunks whose size is missing from the totals, with the reason. */
export function leftOutNotes(tables: readonly Table[], bytes: ChunkBytes, fast: boolean): string[] {
  const out = tables
    .map((table) => ({
      table,
      count: table.chunks.filter(
        (chunk) => !chunk.tiered && !bytes.incomplete.has(chunk.relation) && bytes.of(chunk) === null,
      ).length,
    }))
    .filter(({count}) => count > 0)
  const notes: string[] = nodeNotes(tables, bytes)
  if (out.length > 0) {
    const list = formatNames(out.map(({table, count}) => `${qualifiedName(table)} (${count})`))
    notes.push(
      fast
        ? `Chunks of ${list} are not in the estimates, because they were never vacuumed or analyzed. Run ANALYZE ` +
            'on them, or omit --fast.'
        : `Chunks of ${list} are not in the sizes, because another session holds a lock on them. Try again later.`,
    )
  }
  const tiered = tables.filter(({chunks}) => chunks.some((chunk) => chunk.tiered))
  if (tiered.length > 0)
    notes.push(
      `Chunks of ${formatNames(tiered.map(qualifiedName))} are not in the sizes, because they are tiered to ` +
        'object storage.',
    )
  return notes
}

/** Notes on tables of which shards are missing, with the nodes that did not answer. */
function nodeNotes(tables: readonly Table[], {incomplete, unanswered}: ChunkBytes): string[] {
  const partly = tables.filter(
    ({relation, chunks}) => incomplete.has(relation) || chunks.some((chunk) => incomplete.has(chunk.relation)),
  )
  if (partly.length === 0) return []
  const names = formatNames(partly.map(qualifiedName))
  if (unanswered.length === 0)
    return [`Shards of ${names} were moved between nodes during the measurement: their sizes are not complete.`]
  return unanswered.map(
    ({node, error}) =>
      `The sizes and rows of ${names} are without the shards on ${node}, which did not answer: ` +
      `${error ?? 'Citus counts it as inactive'}`,
  )
}

const reasons: Record<EndProblem, (tables: string) => string> = {
  privilege: (tables) =>
    `No privilege to read ${tables}: oldest and newest row are unknown. GRANT USAGE on the schema and SELECT on ` +
    'the table, or connect as the owner.',
  slow: (tables) =>
    `Finding the oldest or newest row of ${tables} took over a second and was cancelled. An index on the time ` +
    'column helps.',
  locked: (tables) =>
    `The first or last chunk of ${tables} is locked by another session: its oldest or newest row is unknown. Try ` +
    'again later.',
  empty: (tables) =>
    `The first or last five chunk ranges of ${tables} are empty; further ranges are not searched, so the oldest ` +
    'or newest row is unknown.',
  unranged: (tables) =>
    `${tables} has many partitions that are not ranges of time: the oldest and newest row are unknown.`,
  unreachable: (tables) =>
    `Another server that holds rows of ${tables} (a node of Citus, or the server of a foreign table) did not ` +
    'answer: the oldest or newest row is unknown.',
  unreadable: (tables) => `The oldest or newest row of ${tables} could not be read as a time.`,
}

/** Notes on oldest and newest rows that are unknown, one line per reason. */
export function endNotes(problems: ReadonlyMap<Table, EndProblem>): string[] {
  return (Object.keys(reasons) as EndProblem[]).flatMap((reason) => {
    const tables = [...problems].filter(([, problem]) => problem === reason).map(([table]) => qualifiedName(table))
    return tables.length === 0 ? [] : [reasons[reason](formatNames(tables))]
  })
}

/** Notes on tables whose clock is unknown, which makes their age, growth and lateness unknown. */
export function clockNotes(tables: readonly Table[], clocks: ReadonlyMap<Table, TableClock>): string[] {
  const used = tables.filter(({chunks}) => chunks.length > 0)
  const wrong = used.flatMap((table) => {
    const {contradiction: found} = clocks.get(table)!
    return found === undefined
      ? []
      : [
          `timeUnit of ${qualifiedName(table)} is declared as ${found.declared}, but ` +
            `${contradictionWords(found)}: age, growth and what is due are unknown. ` +
            `${contradictionAdvice(table, found)}`,
        ]
  })
  const unit = used.filter(
    (table) =>
      table.time === 'integer' && clocks.get(table)!.unit === null && clocks.get(table)!.contradiction === undefined,
  )
  const zone = used.filter(
    (table) => (table.time === 'timestamp' || table.time === 'date') && clocks.get(table)!.now === null,
  )
  return [
    ...wrong,
    ...(unit.length === 0
      ? []
      : [
          `The unit of the integer time column of ${formatNames(unit.map(qualifiedName))} is unknown, so age and ` +
            `growth are too. ${timeUnitAdvice(unit[0]!)}`,
        ]),
    ...(zone.length === 0
      ? []
      : [
          `This role cannot see the time zone that the policies of ${formatNames(zone.map(qualifiedName))} use, ` +
            'so what is due there is unknown. Connect as the owner of the table, or run ALTER DATABASE … SET ' +
            'timezone.',
        ]),
  ]
}

/** Notes on compressed chunks whose size before compression is not recorded. */
export function recordNotes(tables: readonly Table[]): string[] {
  const without = tables.filter(({chunks}) =>
    chunks.some(({status, beforeBytes}) => has(status, 'compressed') && beforeBytes === null),
  )
  if (without.length === 0) return []
  return [
    `Chunks of ${formatNames(without.map(qualifiedName))} are not in BEFORE, AFTER and SAVED: they were written ` +
      'compressed, so their uncompressed size is unknown.',
  ]
}

export function formatNames(names: readonly string[]): string {
  const first = names.slice(0, 5)
  return names.length > 5 ? `${first.join(', ')} and ${names.length - 5} more` : first.join(', ')
}
