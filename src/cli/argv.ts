/** Global flags that may precede the command: with a value, and without. */
export const withValue = ['--url', '--target', '--config', '--role', '--lock-timeout', '--wait', '--format']
const without = ['--quiet', '-q', '--json']

/**
 * Reorders a command line for oclif, which expects the command first: global flags may precede it, and `help`,
 * `version`, `-h` and `-v` are accepted.
 */
export function normalizeArgv(typed: readonly string[]): string[] {
  const {flags, rest} = leadingFlags(typed)
  const [first, ...more] = rest
  const moved = [...rest, ...flags]
  if (first === 'help') return [...more, ...flags, '--help']
  if (first === 'version' || first === '-v' || first === '-V') return ['--version']
  if (first === '-h') return [...more, ...flags, '--help']
  return beforeEnd(moved, '-h') ? moved.map((word) => (word === '-h' ? '--help' : word)) : insertFlags(rest, flags)
}

function leadingFlags(typed: readonly string[]): {flags: string[]; rest: string[]} {
  let at = 0
  while (at < typed.length) {
    const word = typed[at]!
    if (withValue.includes(word) && at + 1 < typed.length) at += 2
    else if (without.includes(word) || withValue.some((flag) => word.startsWith(`${flag}=`))) at += 1
    else break
  }
  // Without a command, oclif shows its help.
  return {flags: typed.slice(0, at), rest: typed.slice(at)}
}

/** Words after `--` belong to the command, whatever they look like. */
function insertFlags(rest: readonly string[], flags: readonly string[]): string[] {
  const end = rest.indexOf('--')
  return end < 0 ? [...rest, ...flags] : [...rest.slice(0, end), ...flags, ...rest.slice(end)]
}

function beforeEnd(words: readonly string[], wanted: string): boolean {
  const at = words.indexOf(wanted)
  const end = words.indexOf('--')
  return at >= 0 && (end < 0 || at < end)
}

/** The value of a flag in an unparsed command line; undefined if it is absent. */
export function flagValue(words: readonly string[], flag: string): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
  if (at < 0) return undefined
  return words[at] === flag ? words[at + 1] : words[at]!.slice(flag.length + 1)
}
