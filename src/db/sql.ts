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

/** Builds a statement: fragments go in as text, everything else becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...parts: readonly (Fragment | Value)[]): Statement {
  const values: Value[] = []
  let text = strings[0]!
  parts.forEach((part, index) => {
    text += part instanceof Fragment ? part.text : `$${values.push(part)}`
    text += strings[index + 1]!
  })
  return {text, values}
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
  // Bare, a minus could meet another one and make a comment, and binds less than a cast; NaN would be a name.
  if (typeof value === 'number') return !Number.isFinite(value) ? `'${value}'` : value < 0 || Object.is(value, -0) ? `(${value})` : String(value)
  if (Array.isArray(value)) return `array[${value.map(quoteLiteral).join(', ')}]`
  const text = value as string
  const escaped = text.replaceAll("'", "''")
  return text.includes('\\') ? `E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`
}

/** The statement as psql would run it: every `$n` outside of quotes replaced by its constant. */
export function inline({text, values}: Statement): string {
  if (values.length === 0) return text
  const pattern = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\$(\d+)/g
  return text.replace(pattern, (whole, number: string | undefined) =>
    number === undefined ? whole : quoteLiteral(values[Number(number) - 1] ?? null))
}
