/** The value of a `$n` parameter. Arrays become PostgreSQL arrays; pass JSON as text with a cast. */
export type Value = string | number | boolean | null | readonly string[] | readonly number[]

/** A statement as plain data: it can be printed, stored, compared and run. */
export interface Statement {
  readonly text: string
  readonly values: readonly Value[]
  /** If set, the session keeps the statement prepared under this name. */
  readonly name?: string
  /** Written by the user: sent exactly as it is, whatever the encoding of the database. */
  readonly verbatim?: true
}

/** Text that is inserted into a statement unchanged. Created only by {@link ident}, {@link literal} and {@link raw}. */
export class Fragment {
  constructor(readonly text: string) {}
}

/**
 * A part of a template: fragments and statements are inserted as text, values become parameters (constants in
 * {@link doBlock}).
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

/** A DO block in PL/pgSQL. DO has no parameters, so values become constants. */
export function doBlock(strings: TemplateStringsArray, ...parts: readonly Part[]): Statement {
  const body = assemble(strings, parts, (part) => (isStatement(part) ? inline(part) : quoteLiteral(part)))
  return {text: `do ${dollarQuoted(body.trim())}`, values: []}
}

/** The body of a block or function. The tag does not occur in it, so no name or constant can end it. */
export function dollarQuoted(body: string): string {
  let tag = 'body'
  for (let n = 1; body.includes(`$${tag}`); n += 1) tag = `body${n}`
  return `$${tag}$\n${body}\n$${tag}$`
}

/** Joins one or more parts with commas. */
export function list(parts: readonly Part[]): Statement {
  return join(parts, ', ')
}

/** Joins queries with UNION ALL. */
export function unionAll(queries: readonly Statement[]): Statement {
  return join(queries, '\nunion all\n')
}

/** In one pass: nesting the parts pairwise would renumber the parameters of the first ones each time. */
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

/** A statement with a fixed text. */
export function statement(text: string, values: readonly Value[] = []): Statement {
  return {text, values}
}

/** A statement that the user wrote. */
export function userStatement(text: string): Statement {
  return {text, values: [], verbatim: true}
}

/** A name, or a name with its schema, always quoted. */
export function ident(...parts: readonly string[]): Fragment {
  return new Fragment(parts.map(quoteIdent).join('.'))
}

/** A constant, for places where a parameter is not allowed (DDL, DO, dry-run scripts). */
export function literal(value: Value): Fragment {
  return new Fragment(quoteLiteral(value))
}

/** Text inserted unchanged. Never use it for input from outside. */
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

/**
 * Negative numbers are in parentheses: two adjacent minus signs would start a comment, and a cast binds more tightly
 * than minus. NaN is quoted, because it would be read as a name.
 */
function quoteNumber(value: number): string {
  if (!Number.isFinite(value)) return `'${value}'`
  return value < 0 || Object.is(value, -0) ? `(${value})` : String(value)
}

/** The text of a statement for psql, with every parameter replaced by a constant. */
export function inline({text, values}: Statement): string {
  return values.length === 0 ? text : replaceParameters(text, (number) => quoteLiteral(values[number - 1] ?? null))
}

/**
 * A query as an expression of another one: each parameter is replaced by a column or another expression, so that one
 * statement asks the same question about many values.
 * @param by the expression for `$n`
 */
export function withExpressions({text}: Statement, by: (number: number) => Fragment): Fragment {
  return new Fragment(replaceParameters(text, (number) => by(number).text))
}

/** An SQL comment on one line. Line breaks are replaced, because the text after one would be executed. */
export function lineComment(text: string): string {
  return `-- ${text.replace(/[\r\n]/g, ' ')}`
}

/**
 * Matches text in which `$1` is not a parameter: E'' and plain constants, names, dollar-quoted text and comments. The
 * alternatives are in the order in which PostgreSQL's scanner recognises them. An unquoted name may contain a dollar.
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

/** Whether a text may hold several statements, which only the simple protocol accepts. In doubt, true. */
export function mayHoldSeveral(text: string): boolean {
  return text.includes(';') && /;\s*\S/.test(text.replace(quotedOrComment, ''))
}
