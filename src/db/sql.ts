/** What may stand behind a `$n`. Arrays become PostgreSQL arrays; JSON goes in as text with a cast. */
export type Value = string | number | boolean | null | readonly string[] | readonly number[]

/** A statement as pure data: it can be shown, saved, compared and run. */
export interface Statement {
  readonly text: string
  readonly values: readonly Value[]
  /** Asked again and again: under this name a session of its own keeps it prepared. */
  readonly name?: string
}

/** Text that goes into a statement as it stands. Made only by {@link ident}, {@link literal} and {@link raw}. */
export class Fragment {
  constructor(readonly text: string) {}
}

/**
 * What a template takes: a fragment and a statement as text, a value as a parameter (in {@link doBlock} as a constant).
 */
export type Part = Fragment | Statement | Value

/** Builds a statement: fragments and other statements become part of the text, every value becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...parts: readonly Part[]): Statement {
  return build(strings, parts)
}

function build(strings: readonly string[], parts: readonly Part[]): Statement {
  const values: Value[] = []
  const text = assemble(strings, parts, (part) => {
    if (!isStatement(part)) return `$${values.push(part)}`
    const before = values.length
    values.push(...part.values)
    return replaceParameters(part.text, (number) => `$${number + before}`)
  })
  return {text, values}
}

/**
 * A DO block of PL/pgSQL. DO takes no parameters, so values become constants. The body is quoted with a tag that does
 * not occur in it: no name and no constant can end it.
 */
export function doBlock(strings: TemplateStringsArray, ...parts: readonly Part[]): Statement {
  const body = assemble(strings, parts, (part) => (isStatement(part) ? inline(part) : quoteLiteral(part)))
  let tag = 'body'
  for (let n = 1; body.includes(`$${tag}`); n += 1) tag = `body${n}`
  return {text: `do $${tag}$\n${body.trim()}\n$${tag}$`, values: []}
}

/** One or more parts with commas between them. */
export function list(parts: readonly Part[]): Statement {
  return join(parts, ', ')
}

/** Queries as one, with UNION ALL between them. */
export function unionAll(queries: readonly Statement[]): Statement {
  return join(queries, '\nunion all\n')
}

/** In one pass: nesting one part after the other would number the parameters of the first ones again each time. */
function join(parts: readonly Part[], separator: string): Statement {
  return build(['', ...parts.slice(1).map(() => separator), ''], parts)
}

function assemble(
  strings: readonly string[],
  parts: readonly Part[],
  write: (part: Statement | Value) => string,
): string {
  return parts.reduce<string>((text, part, index) => {
    return text + (part instanceof Fragment ? part.text : write(part)) + strings[index + 1]!
  }, strings[0]!)
}

function isStatement(part: Part): part is Statement {
  return typeof part === 'object' && part !== null && 'text' in part && 'values' in part
}

/** A statement whose text is fixed. */
export function statement(text: string, values: readonly Value[] = []): Statement {
  return {text, values}
}

/** A name, or a name in a schema, always quoted: what the server reads is what was meant. */
export function ident(...parts: readonly string[]): Fragment {
  return new Fragment(parts.map(quoteIdent).join('.'))
}

/** A constant where no parameter may stand (DDL, DO, dry-run scripts). */
export function literal(value: Value): Fragment {
  return new Fragment(quoteLiteral(value))
}

/** Text taken on trust: never anything that came from outside. */
export function raw(text: string): Fragment {
  return new Fragment(text)
}

export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteLiteral(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return quoteNumber(value)
  if (Array.isArray(value)) return `array[${value.map(quoteLiteral).join(', ')}]`
  const text = value as string
  const escaped = text.replaceAll("'", "''")
  return text.includes('\\') ? `E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`
}

/** Bare, a minus could meet another one and make a comment, and binds less than a cast; NaN would be a name. */
function quoteNumber(value: number): string {
  if (!Number.isFinite(value)) return `'${value}'`
  return value < 0 || Object.is(value, -0) ? `(${value})` : String(value)
}

/** The statement as psql would run it: every parameter replaced by its constant. */
export function inline({text, values}: Statement): string {
  return values.length === 0 ? text : replaceParameters(text, (number) => quoteLiteral(values[number - 1] ?? null))
}

/** A line of SQL comment: a line break in the text would end it, and the rest would be run. */
export function lineComment(text: string): string {
  return `-- ${text.replace(/[\r\n]/g, ' ')}`
}

/**
 * What a `$1` is no parameter in: E'' and plain constants, names, dollar-quoted text, comments. The alternatives stand
 * in the order in which PostgreSQL's scanner tells them apart; a name without quotes may contain a dollar itself.
 */
const word = String.raw`[\w\u0080-\u{10ffff}]`
const scanner = new RegExp(
  [
    String.raw`(?<![\w$\u0080-\u{10ffff}])[eE]'(?:[^'\\]|''|\\[^])*'`,
    "'(?:[^']|'')*'",
    '"(?:[^"]|"")*"',
    String.raw`(?<![\w$\u0080-\u{10ffff}])\$(?<tag>(?!\d)${word}*)\$[^]*?\$\k<tag>\$`,
    String.raw`--[^\r\n]*`,
    String.raw`/\*[^]*?\*/`,
    String.raw`(?<![\w$\u0080-\u{10ffff}])\$(?<number>\d+)`,
  ].join('|'),
  'gu',
)

function replaceParameters(text: string, by: (number: number) => string): string {
  return text.replace(scanner, (whole: string, ...rest: unknown[]) => {
    const {number} = rest.at(-1) as {number?: string}
    return number === undefined ? whole : by(Number(number))
  })
}

const quotedOrComment = /\$(\w*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g

/** Whether a text may hold several statements, which only the simple protocol takes. Errs towards yes. */
export function mayHoldSeveral(text: string): boolean {
  return text.includes(';') && /;\s*\S/.test(text.replace(quotedOrComment, ''))
}
