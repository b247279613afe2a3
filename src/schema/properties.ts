/** How database names are written in TypeScript. */

/** Properties of these names would shadow those of every object, or those of a Drizzle table. */
const taken = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  '_',
  '$inferSelect',
  '$inferInsert',
  'getSQL',
  'shouldOmitSQLParens',
  'enableRLS',
])

/**
 * The property name of each column: `usd_price` becomes `usdPrice`; a name with other than lower-case letters is
 * unchanged. No property equals the name of another column, so a row may use either.
 */
export function propertyNames(columns: readonly string[]): Map<string, string> {
  const names = new Map<string, string>()
  const used = new Set<string>()
  for (const column of columns) {
    const claimRequests = [camelCase(column), column, `${column}Column`]
    const free = (request: string) =>
      !taken.has(request) && !used.has(request) && (request === column || !columns.includes(request))
    const property = claimRequests.find(free) ?? numbered(`${column}Column`, free)
    used.add(property)
    names.set(column, property)
  }
  return names
}

function camelCase(name: string): string {
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
    ? name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    : name
}

function numbered(request: string, free: (request: string) => boolean): string {
  for (let number = 2; ; number += 1) if (free(`${request}${number}`)) return `${request}${number}`
}

const words =
  `arguments as async await boolean break case catch class const continue debugger default delete do else enum eval export extends
  false finally for from function get if implements import in instanceof interface let new null number object of package private protected
  public return set static string super switch symbol this throw true try type typeof undefined var void while with yield`.split(
    /\s+/,
  )

/**
 * The constant name of each table or view: `crypto_prices` becomes `cryptoPrices`, prefixed with the schema unless it
 * is `public`.
 * @param reserved names that the module imports
 */
export function constantNames(
  relations: readonly {schema: string; name: string}[],
  reserved: readonly string[],
): string[] {
  const used = new Set<string>([...words, ...reserved])
  return relations.map(({schema, name}) => {
    const parts = [schema === 'public' ? '' : schema, name].flatMap(
      (text) => text.match(/[\p{ID_Start}\p{Nd}]+/gu) ?? [],
    )
    const joined = parts.map((part, index) => (index === 0 ? lower(part) : upper(part))).join('') || 'table'
    const request = /^\p{Nd}/u.test(joined) ? `table${joined}` : joined
    const free = (candidate: string) => !used.has(candidate)
    const constant = [request, `${request}Table`].find(free) ?? numbered(`${request}Table`, free)
    used.add(constant)
    return constant
  })
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** `cryptoPrices` becomes `CryptoPrices`, for type names. */
export function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A safely escaped TypeScript string literal. */
export function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** A key of an object literal. */
export function key(property: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(property) ? property : quoted(property)
}

/** `row.usdPrice`, or `row['Usd Price']`. */
export function member(object: string, property: string): string {
  return key(property) === property ? `${object}.${property}` : `${object}[${quoted(property)}]`
}

/** An indented one-line doc comment; the text is escaped so that it cannot end the comment. */
export function comment(text: string | undefined, indent: string): string[] {
  return text === undefined || text.trim() === ''
    ? []
    : [`${indent}/** ${text.replace(/\s+/g, ' ').trim().replaceAll('*/', '* /')} */`]
}
