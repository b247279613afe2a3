/** The name of the binary, as every printed command begins. */
export const binary = 'qicore-db'

/** `true` prints the flag alone, a list prints it once for each value; false, null and undefined leave it out. */
export type FlagValue = string | number | boolean | readonly string[] | null | undefined

/** Global flags that lead to the database of this run, as the operator gave them; a URL is without its password. */
export interface GivenFlags {
  url?: string | undefined
  target?: string | undefined
  role?: string | undefined
  config?: string | undefined
}

let given: GivenFlags = {}

/**
 * From now on {@link command} repeats these flags, so that a printed command works on the same database when it is
 * copied. State of the process, because a process runs one command; a program that uses the library never sets it, and
 * the daemon, whose log is read on other machines, takes it back.
 */
export function repeatInCommands({url, target, role, config}: GivenFlags): void {
  given = {url, target, role, config}
}

/** Commands that work without a database: of the flags only --config matters to them. */
export const withoutDatabase: ReadonlySet<string> = new Set([
  'completion',
  'config schema',
  'config show',
  'demo',
  'jobs simulate',
  'migrate new',
  'schema generate',
  'validate',
])

function repeatedFlags(id: string, flags: Readonly<Record<string, FlagValue>>): Record<string, FlagValue> {
  if (id.endsWith(' --help')) return {}
  const named = withoutDatabase.has(id) || flags.url != null || flags.target != null
  return {...(!named && {url: given.url, target: given.target, role: given.role}), config: given.config}
}

/**
 * A command of this program as an operator can paste it into a shell. Every command that is printed anywhere is made
 * here, so that no name and no value has to be quoted anywhere else. In a message it ends the line
 * (`Fix: qicore-db policies apply`) or stands in backquotes: it is then never broken by wrapping. The operator's --url,
 * --target and --config are repeated in it.
 *
 * `command('chunks compress', ['public."Odd Name"'], {'dry-run': true})` is
 * `qicore-db chunks compress 'public."Odd Name"' --dry-run`
 * @param id words of the command: `policies plan`
 * @param args in their order
 */
export function command(
  id: string,
  args: readonly string[] = [],
  flags: Readonly<Record<string, FlagValue>> = {},
): string {
  const options = [...wordsOf(flags), ...wordsOf(repeatedFlags(id, flags))]
  // What begins with a dash would be read as a flag.
  const dashed = args.some((arg) => arg.startsWith('-'))
  const words = dashed ? [...options, '--', ...args.map(shellWord)] : [...args.map(shellWord), ...options]
  return [binary, id, ...words].join(' ')
}

/**
 * A value as it is stored in a database or a file, strings in it at any depth: without the flags that {@link command}
 * repeated. They lead to a database from where this process runs; the reader of a record is elsewhere.
 */
export function withoutRepeatedFlags<T>(value: T): T {
  if (typeof value === 'string') return stripRepeated(value) as T
  if (Array.isArray(value)) return value.map(withoutRepeatedFlags) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutRepeatedFlags(each)])) as T
}

/** Takes away exactly what {@link command} appends: all flags, or --config alone. */
function stripRepeated(text: string): string {
  return [given, {config: given.config}]
    .map((flags) => wordsOf({...flags}).join(' '))
    .filter((words) => words !== '')
    .reduce((rest, words) => rest.replaceAll(` ${words}`, ''), text)
}

function wordsOf(flags: Readonly<Record<string, FlagValue>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => flagWords(name, value))
}

function flagWords(name: string, value: FlagValue): string[] {
  if (value === undefined || value === null || value === false) return []
  if (value === true) return [`--${name}`]
  const values = typeof value === 'object' ? value : [String(value)]
  return values.flatMap((each) =>
    each.startsWith('-') ? [`--${name}=${shellWord(each)}`] : [`--${name}`, shellWord(each)],
  )
}

/** One word for a POSIX shell: as it is where no character means anything to a shell, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w.,:@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
