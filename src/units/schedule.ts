/** Written out where a schedule is needed field by field (pg_cron has no names). */
export const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

interface Field {
  name: string
  min: number
  max: number
  /** Words that stand for numbers, the first for `min`. */
  words?: readonly string[]
  /** What else an entry may be, in cron's dialects. */
  special?: RegExp
  /** What may stand alone only. */
  alone?: RegExp
  /** The largest step, where it is not the number of values: Sunday is 0 and 7. */
  steps?: number
}

const seconds: Field = {name: 'second', min: 0, max: 59}
const five: readonly Field[] = [
  {name: 'minute', min: 0, max: 59},
  {name: 'hour', min: 0, max: 23},
  {name: 'day of the month', min: 1, max: 31, special: /^(L|0?([1-9]|[12]\d|3[01])W)$/i, alone: /^LW$/i},
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'weekday',
    min: 0,
    max: 7,
    steps: 7,
    words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
    special: /^([0-7]|sun|mon|tue|wed|thu|fri|sat)(L|#[1-5]|#L)$/i,
  },
]

/** The fields of a schedule, five or with seconds six; a nickname is written out. */
export function fieldsOf(schedule: string): string[] {
  const text = schedule.trim()
  return (nicknames[text.toLowerCase()] ?? text).split(/\s+/)
}

/** What is wrong with a schedule, as a sentence that names the field; null where nothing is. */
export function scheduleProblem(schedule: string): string | null {
  const text = schedule.trim()
  if (text.startsWith('@') && nicknames[text.toLowerCase()] === undefined)
    return `"${schedule}" is not known: there are ${Object.keys(nicknames).join(', ')}`
  const parts = fieldsOf(schedule)
  if (parts.length !== 5 && parts.length !== 6)
    return `"${schedule}" is no schedule: write five fields (minute hour day month weekday), six with seconds first, or @daily and the like`
  const fields = parts.length === 6 ? [seconds, ...five] : five
  for (const [index, field] of fields.entries()) {
    const problem = fieldProblem(parts[index]!, field)
    if (problem !== null) return `"${schedule}": ${field.name} "${parts[index]}" ${problem}`
  }
  return null
}

function fieldProblem(text: string, field: Field): string | null {
  if (field.alone?.test(text)) return null
  for (const part of text.split(',')) {
    const problem = partProblem(part, field)
    if (problem !== null) return problem
  }
  return null
}

function partProblem(part: string, field: Field): string | null {
  if (field.special?.test(part)) return null
  const match = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part)
  if (match === null) return part === '' ? 'has an empty entry' : `cannot be read at "${part}"`
  const [, any, first, last, every] = match
  if (any === undefined) {
    const [from, to] = [numberOf(first!, field), last === undefined ? undefined : numberOf(last, field)]
    for (const [word, value] of [
      [first!, from],
      [last, to],
    ] as const)
      if (word !== undefined && (value === null || value! < field.min || value! > field.max))
        return `is out of range (${field.min}-${field.max})`
    if (to !== undefined && from! > to!) return `has the range ${part}, which goes backwards`
    if (to === undefined && every !== undefined) return `has "${part}": a step follows * or a range`
  }
  if (every !== undefined && (Number(every) < 1 || Number(every) > (field.steps ?? field.max - field.min + 1)))
    return `has a step of ${every}`
  return null
}

function numberOf(text: string, {words, min}: Field): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const word = words?.indexOf(text.toLowerCase()) ?? -1
  return word < 0 ? null : word + min
}
