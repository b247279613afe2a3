/** Fields of oclif's parser errors that its types do not declare. */
interface ParserError extends Error {
  parse?: {output?: {flags: Record<string, unknown>; raw: readonly {type: string; flag?: string; input?: string}[]}}
}

/**
 * One-line message of an invalid flag, with the values as typed: oclif would print the parsed values, which is
 * `[object Object]` for a range or an age.
 */
export function flagMessage(error: Error): string {
  // oclif spreads the message of a flag's parser over three lines.
  let message = error.message.replace(/^Parsing (--\S+) \n\t([\s\S]*?)\nSee more help with --help$/, '$1: $2')
  const {flags = {}, raw = []} = (error as ParserError).parse?.output ?? {}
  for (const {type, flag, input} of raw)
    if (type === 'flag' && flag !== undefined && typeof flags[flag] === 'object')
      message = message.replaceAll(`--${flag}=${String(flags[flag])} `, `--${flag}=${input} `)
  return message
}
