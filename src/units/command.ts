/** The name of the binary, as every printed command begins. */
export const binary = 'qicore-db'

/** `true` prints the flag alone, a list prints it once for each value; false, null and undefined leave it out. */
export type FlagValue = string | number | boolean | readonly string[] | null | undefined

/**
 * A command of this program as an operator can paste it into a shell. Every command that is printed anywhere is made
 * here, so that no name and no value has to be quoted anywhere else. In a message it ends the line
 * (`Fix: qicore-db policies apply`) or stands in backquotes: it is then never broken by wrapping.
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
  const options = Object.entries(flags).flatMap(([name, value]) => flagWords(name, value))
  // What begins with a dash would be read as a flag.
  const dashed = args.some((arg) => arg.startsWith('-'))
  const words = dashed ? [...options, '--', ...args.map(shellWord)] : [...args.map(shellWord), ...options]
  return [binary, id, ...words].join(' ')
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
