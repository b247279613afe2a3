import {withValue} from '../argv.js'

/** The part of oclif.manifest.json that completion needs. */
export interface Program {
  commands: Readonly<Record<string, ProgramCommand>>
  /** Descriptions of topics, by id with colons. */
  topics: Readonly<Record<string, string>>
  /** Pages of the help about no command. */
  helpTopics: Readonly<Record<string, string>>
}

interface ProgramCommand {
  id: string
  summary?: string
  hidden?: boolean
  aliases?: readonly string[]
  args: Readonly<Record<string, {name: string; description?: string; options?: readonly string[]}>>
  flags: Readonly<Record<string, ProgramFlag>>
}

interface ProgramFlag {
  name: string
  char?: string
  type: 'boolean' | 'option'
  summary?: string
  description?: string
  helpValue?: string
  options?: readonly string[]
  multiple?: boolean
  allowNo?: boolean
  hidden?: boolean
}

export type NameKind = 'targets' | 'tables' | 'aggregates' | 'jobs'

/** What may come next: words with a description each, and whether names of files may, too. */
export interface Completion {
  words: readonly (readonly [word: string, description: string])[]
  files: boolean
}

/** Names that stand for something of the configuration, by the name of the argument or flag. */
const kinds: Readonly<Record<string, NameKind>> = {
  target: 'targets',
  targets: 'targets',
  table: 'tables',
  tables: 'tables',
  type: 'tables',
  view: 'aggregates',
  job: 'jobs',
}

/**
 * What the last word of a command line may become. Connects to nothing.
 * @param words after the name of the program; the last one is being typed, and may be empty
 * @param names of the configuration and of the database; asked only where they are wanted
 */
export async function complete(
  words: readonly string[],
  program: Program,
  names: (kind: NameKind) => Promise<readonly string[]>,
): Promise<Completion> {
  const isHelp = words[0] === 'help' && words.length > 1
  const line = readLine(joinEquals(isHelp ? words.slice(1) : words), program)
  return startingWith(line, await candidates(line, program, names, isHelp))
}

/** The value of a flag, a flag, or else a word of the command or its next argument. */
async function candidates(
  line: Line,
  program: Program,
  names: (kind: NameKind) => Promise<readonly string[]>,
  isHelp: boolean,
): Promise<Completion> {
  if (line.value !== null) return valuesOf(line.value, names)
  if (line.typed.startsWith('-')) return {words: flagWords(line), files: false}
  return wordOf(line, program, names, isHelp)
}

interface Line {
  /** The words of the command so far. */
  path: readonly string[]
  command: ProgramCommand | null
  /** Arguments behind the command. */
  args: number
  used: ReadonlySet<string>
  /** The flag whose value is being typed. */
  value: ProgramFlag | null
  /** The word, or the value of the flag, that is typed so far. */
  typed: string
  /** The flag and the equals sign in the same word, as `--target=`; empty where the value is a word of its own. */
  before: string
}

/** bash splits `--flag=value` into three words. */
function joinEquals(words: readonly string[]): string[] {
  const joined: string[] = []
  for (const word of words) {
    const isValue = joined.length > 1 && joined.at(-1) === '=' && joined.at(-2)!.startsWith('--')
    if (isValue) joined.splice(-2, 2, joined.at(-2)!, word)
    else joined.push(word)
  }
  return joined.at(-1) === '=' ? [...joined.slice(0, -1), ''] : joined
}

function readLine(words: readonly string[], program: Program): Line {
  const current = words.at(-1) ?? ''
  const ids = idsOf(program)
  let path: string[] = []
  let args = 0
  let waiting: ProgramFlag | null = null
  const used = new Set<string>()
  const commandAt = () => ids.get(path.join(':')) ?? null
  for (const word of words.slice(0, -1)) {
    if (waiting !== null) waiting = null
    else if (word.startsWith('-')) {
      const flag = flagOf(word, commandAt())
      if (flag !== null) used.add(flag.name)
      waiting = flag?.type === 'option' && !word.includes('=') ? flag : null
    } else {
      const next = [...path, ...word.split(':')]
      if (args === 0 && isPrefix(next.join(':'), ids)) path = next
      else args += 1
    }
  }
  const command = commandAt()
  const equals = current.startsWith('--') && current.includes('=') ? current.indexOf('=') + 1 : 0
  const value = waiting ?? (equals > 0 ? flagOf(current, command) : null)
  const before = waiting === null && value !== null ? current.slice(0, equals) : ''
  return {path, command, args, used, value, typed: current.slice(before.length), before}
}

function idsOf({commands}: Program): Map<string, ProgramCommand> {
  const shown = Object.values(commands).filter(({hidden}) => hidden !== true)
  return new Map(
    shown.flatMap((command) => [command.id, ...(command.aliases ?? [])].map((id) => [id, command] as const)),
  )
}

function isPrefix(id: string, ids: ReadonlyMap<string, unknown>): boolean {
  return ids.has(id) || [...ids.keys()].some((known) => known.startsWith(`${id}:`))
}

/** Before the command is known: the flags that every command has. */
function flagOf(word: string, command: ProgramCommand | null): ProgramFlag | null {
  const name = word.replace(/=.*/s, '')
  if (command === null) return withValue.includes(name) ? {name: name.slice(2), type: 'option'} : null
  return Object.values(command.flags).find((flag) => name === `--${flag.name}` || name === `-${flag.char}`) ?? null
}

function flagWords({used, command}: Line): Completion['words'] {
  if (command === null) return withValue.map((flag) => [flag, ''] as const)
  const open = Object.values(command.flags).filter(
    ({name, hidden, multiple}) => hidden !== true && (multiple === true || !used.has(name)),
  )
  return [
    ...open.map((flag) => [`--${flag.name}`, flag.summary ?? flag.description ?? ''] as const),
    ['--help', 'Flags and examples.'],
  ]
}

async function valuesOf(flag: ProgramFlag, names: (kind: NameKind) => Promise<readonly string[]>): Promise<Completion> {
  const isFile = flag.name === 'config' || /^<(file|directory|path)>$/.test(flag.helpValue ?? '')
  return {words: await known(flag, names), files: isFile}
}

async function known(
  {name, options}: {name: string; options?: readonly string[]},
  names: (kind: NameKind) => Promise<readonly string[]>,
): Promise<Completion['words']> {
  const kind = kinds[name]
  const words = options ?? (kind === undefined ? [] : await names(kind))
  return words.map((word) => [word, ''] as const)
}

/** A word of the command, or its next argument. */
async function wordOf(
  {path, command, args}: Line,
  program: Program,
  names: (kind: NameKind) => Promise<readonly string[]>,
  isHelp: boolean,
): Promise<Completion> {
  const children = args === 0 ? nextWords(path, program, isHelp) : []
  if (isHelp) return {words: children, files: false}
  const arg = Object.values(command?.args ?? {})[args]
  const values = arg === undefined ? [] : await known(arg, names)
  return {words: [...children, ...values], files: arg?.name === 'file'}
}

/** The words that continue a path to a command or a topic. */
function nextWords(path: readonly string[], program: Program, isHelp: boolean): Completion['words'] {
  const before = path.length === 0 ? '' : `${path.join(':')}:`
  const ids = idsOf(program)
  const next = new Set(
    [...ids.keys()].filter((id) => id.startsWith(before)).map((id) => id.slice(before.length).split(':')[0]!),
  )
  const words = [...next].sort().map((word) => {
    const id = `${before}${word}`
    return [word, program.topics[id] ?? ids.get(id)?.summary ?? ''] as const
  })
  if (path.length > 0) return words
  return isHelp ? [...words, ...Object.entries(program.helpTopics)] : [...words, ['help', 'On a command or a topic.']]
}

function startingWith({typed, before}: Line, {words, files}: Completion): Completion {
  const matching = words.filter(([word]) => word.startsWith(typed))
  return {words: matching.map(([word, description]) => [`${before}${word}`, description]), files}
}
