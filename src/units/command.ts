import {AsyncLocalStorage} from 'node:async_hooks'

/** The name of the binary; every printed command starts with it. */
export const binary = 'qicore-db'

/** `true` prints the flag alone; a list prints the flag once per value; false, null and undefined omit it. */
export type FlagValue = string | number | boolean | readonly string[] | null | undefined

/** The operator's global flags that select the database of this run; the URL has no password. */
export interface GivenFlags {
  url?: string | undefined
  target?: string | undefined
  role?: string | undefined
  config?: string | undefined
}

interface Repeated {
  given: GivenFlags
  targetName: string | null
}

/** Of the process. */
const repeated: Repeated = {given: {}, targetName: null}
/** Of the work on one of many databases. */
const ofOneTarget = new AsyncLocalStorage<Repeated>()
const current = () => ofOneTarget.getStore() ?? repeated

/**
 * Makes {@link command} append these flags to every command it prints, so that the operator can copy a command and it
 * reaches the same database. This is process state, because a process runs one command. A program that uses the library
 * never sets it; the daemon clears it, because its log is read on other machines.
 */
export function repeatInCommands({url, target, role, config}: GivenFlags): void {
  repeated.given = {url, target, role, config}
}

/**
 * Makes {@link command} name this target in every `daemon` command: unlike the others, the daemon has no default
 * target.
 * @param name of the target in the configuration; null if the database was given as a URL
 */
export function nameTargetOfDaemon(name: string | null): void {
  repeated.targetName = name
}

/**
 * Runs work in which printed commands name this target, for a command that works on many targets: the flags of
 * {@link repeatInCommands} except --url and --target stay.
 */
export function whileNaming<R>(target: string, work: () => R): R {
  const {role, config} = current().given
  return ofOneTarget.run({given: {target, role, config}, targetName: target}, work)
}

/** Commands that need no database: of the global flags, only --config applies to them. */
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
  const {given, targetName} = current()
  const target = given.target ?? (id === 'daemon' && given.url === undefined ? targetName : undefined)
  return {...(!named && {url: given.url, target, role: given.role}), config: given.config}
}

/**
 * A command of this program, quoted so that an operator can paste it into a shell. Every printed command is built here,
 * so quoting happens in one place. In a message the command either ends the line (`Fix: qicore-db policies apply`) or
 * is in backquotes, which are never broken by wrapping. The operator's --url, --target and --config are appended.
 *
 * `command('chunks compress', ['public."Odd Name"'], {'dry-run': true})` returns
 * `qicore-db chunks compress 'public."Odd Name"' --dry-run`
 * @param id words of the command: `policies plan`
 * @param args positional arguments, in order
 */
export function command(
  id: string,
  args: readonly string[] = [],
  flags: Readonly<Record<string, FlagValue>> = {},
): string {
  const options = [...wordsOf(flags), ...wordsOf(repeatedFlags(id, flags))]
  // An argument that starts with a dash would be read as a flag.
  const dashed = args.some((arg) => arg.startsWith('-'))
  const words = dashed ? [...options, '--', ...args.map(shellWord)] : [...args.map(shellWord), ...options]
  return [binary, id, ...words].join(' ')
}

/** A command with the words of a command line, in their order and quoted for a shell. */
export function commandLine(id: string, words: readonly string[]): string {
  return [binary, id, ...words.map(shellWord)].join(' ')
}

/**
 * A copy of the value, at any depth, without the flags that {@link command} appended to printed commands. Use it before
 * a value is stored in the database or a file: the flags describe the connection of this process and mean nothing to a
 * later reader.
 */
export function withoutRepeatedFlags<T>(value: T): T {
  if (typeof value === 'string') return stripRepeated(value) as T
  if (Array.isArray(value)) return value.map(withoutRepeatedFlags) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutRepeatedFlags(each)])) as T
}

/** Removes exactly what {@link command} appends: all flags, --config alone, or the target of the daemon. */
function stripRepeated(text: string): string {
  const {given, targetName} = current()
  const ofDaemon = {target: targetName, role: given.role, config: given.config}
  return [given, ofDaemon, {config: given.config}]
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

/** One word for a POSIX shell: unquoted if it has no special character, otherwise in single quotes. */
export function shellWord(text: string): string {
  return /^[\w.,:@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
