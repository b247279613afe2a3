/** Used where a schedule is needed as five fields (pg_cron does not accept nicknames). */
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
  /** Names for numbers; the first one means `min`. */
  words?: readonly string[]
  /** Other forms of an entry that some cron dialects accept. */
  special?: RegExp
  /** A form that must be the only entry of the field. */
  alone?: RegExp
  /** The largest step, if it is not the number of values: Sunday is both 0 and 7. */
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

/** The fields of a schedule: five, or six with seconds. A nickname is expanded. */
export function fieldsOf(schedule: string): string[] {
  const text = schedule.trim()
  return (nicknames[text.toLowerCase()] ?? text).split(/\s+/)
}

/** The first error of a schedule, as a sentence that names the field; null if it is valid. */
export function scheduleProblem(schedule: string): string | null {
  const text = schedule.trim()
  if (text.startsWith('@') && nicknames[text.toLowerCase()] === undefined)
    return `"${schedule}" is not a known schedule. Known names: ${Object.keys(nicknames).join(', ')}`
  const parts = fieldsOf(schedule)
  if (parts.length !== 5 && parts.length !== 6)
    return (
      `"${schedule}" is not a schedule. Write five fields (minute hour day month weekday), six with seconds ` +
      'first, or a name such as @daily'
    )
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
    if (to !== undefined && from! > to!) return `has the range ${part}, whose end is before its start`
    if (to === undefined && every !== undefined) return `has "${part}": a step needs * or a range before it`
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
