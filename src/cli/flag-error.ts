/** What oclif's errors of its parser carry, and does not declare. */
interface ParserError extends Error {
  parse?: {output?: {flags: Record<string, unknown>; raw: readonly {type: string; flag?: string; input?: string}[]}}
}

/**
 * The message of a flag's refusal in one line, with the values as they were typed: oclif prints those that a flag's own
 * parser returned, `[object Object]` for a range or an age.
 */
export function flagMessage(error: Error): string {
  // oclif puts a flag's own refusal into three lines.
  let message = error.message.replace(/^Parsing (--\S+) \n\t([\s\S]*?)\nSee more help with --help$/, '$1: $2')
  const {flags = {}, raw = []} = (error as ParserError).parse?.output ?? {}
  for (const {type, flag, input} of raw)
    if (type === 'flag' && flag !== undefined && typeof flags[flag] === 'object')
      message = message.replaceAll(`--${flag}=${String(flags[flag])} `, `--${flag}=${input} `)
  return message
}
