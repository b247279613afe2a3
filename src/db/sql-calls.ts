import {formatQualifiedName, parseQualifiedName} from './qualified-name.js'

/** `now() - interval '12 months'`: a time that is this interval before the call. */
export interface Ago {
  /** The interval as it is written. */
  ago: string
}

/** The constant value of an argument; undefined for any other expression that only the server can evaluate. */
export type Argument = string | number | boolean | null | Ago | Argument[] | undefined

/** A call of a function or procedure with its constant arguments. */
export interface SqlCall {
  /** Null if the name has no schema. */
  schema: string | null
  name: string
  positional: Argument[]
  named: Record<string, Argument>
}

type Tree = {[field: string]: unknown}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

/**
 * The calls in an SQL text, including those in DO blocks, found by PostgreSQL's parser. Empty for text that the parser
 * rejects, because the server would not run it either.
 */
export async function callsIn(text: string): Promise<SqlCall[]> {
  const tree = await parsed(text)
  if (tree === null) return []
  const calls = nodesOf(tree, 'FuncCall', 'funccall').map(callOf)
  if (nodesOf(tree, 'DoStmt').length === 0) return calls
  const {parsePlPgSQL} = await import('libpg-query')
  const body = await parsePlPgSQL(text).catch(() => null)
  const inner = await Promise.all(
    nodesOf(body, 'PLpgSQL_expr').map(({query, parseMode}) =>
      callsIn(parseMode === 0 ? `${query}` : `select ${query}`),
    ),
  )
  return [...calls, ...inner.flat()]
}

/** The argument of this name, or else at this position, from 0. */
export function argumentOf({named, positional}: SqlCall, name: string, position: number): Argument {
  return name in named ? named[name] : positional[position]
}

/** An argument that names a table, qualified; a name without a schema means schema public. Null for anything else. */
export function tableNamed(given: unknown): string | null {
  if (typeof given !== 'string') return null
  try {
    const {schema, name} = parseQualifiedName(given)
    return formatQualifiedName(schema ?? 'public', name)
  } catch {
    return null
  }
}

/** The tree of PostgreSQL's parser; null for text that it rejects. */
export async function parsed(text: string): Promise<unknown> {
  const {parse} = await import('libpg-query')
  return parse(text).catch(() => null)
}

function callOf({funcname, args}: Tree): SqlCall {
  const names = textsOf(funcname)
  const given = Array.isArray(args) ? args : []
  const named = given.flatMap((each) => (isTree(each) && isTree(each.NamedArgExpr) ? [each.NamedArgExpr] : []))
  return {
    schema: names.at(-2) ?? null,
    name: names.at(-1) ?? '',
    positional: given.filter((each) => !(isTree(each) && isTree(each.NamedArgExpr))).map(constantOf),
    named: Object.fromEntries(named.map(({name, arg}) => [String(name), constantOf(arg)])),
  }
}

/** The value of a constant, with or without a cast, or of an array of constants. */
function constantOf(node: unknown): Argument {
  if (!isTree(node)) return undefined
  if (isTree(node.A_Expr)) return agoOf(node.A_Expr)
  if (isTree(node.TypeCast)) {
    const value = constantOf(node.TypeCast.arg)
    // A cast to date changes the time.
    return isAgo(value) ? undefined : value
  }
  if (isTree(node.A_ArrayExpr)) return ((node.A_ArrayExpr.elements as unknown[] | undefined) ?? []).map(constantOf)
  const constant = node.A_Const
  if (!isTree(constant)) return undefined
  if (constant.isnull === true) return null
  // The parser omits values that are zero, false or empty.
  if (isTree(constant.sval)) return String(constant.sval.sval ?? '')
  if (isTree(constant.boolval)) return constant.boolval.boolval === true
  if (isTree(constant.ival)) return Number(constant.ival.ival ?? 0)
  return undefined
}

export function isAgo(value: Argument): value is Ago {
  return typeof value === 'object' && value !== null && 'ago' in value
}

/** `now()` or `current_timestamp` minus a literal of type interval; undefined for any other expression. */
function agoOf({name, lexpr, rexpr}: Tree): Ago | undefined {
  if (textsOf(name).join('.') !== '-' || !isNow(lexpr)) return undefined
  const cast = isTree(rexpr) && isTree(rexpr.TypeCast) ? rexpr.TypeCast : null
  const type = cast !== null && isTree(cast.typeName) ? cast.typeName : null
  // Fields and a precision change the value: interval '12' month.
  if (cast === null || type === null || textsOf(type.names).at(-1) !== 'interval' || type.typmods !== undefined)
    return undefined
  const text = constantOf(cast.arg)
  return typeof text === 'string' ? {ago: text} : undefined
}

function isNow(node: unknown): boolean {
  if (!isTree(node)) return false
  if (isTree(node.SQLValueFunction)) return node.SQLValueFunction.op === 'SVFOP_CURRENT_TIMESTAMP'
  return isTree(node.FuncCall) && ['now', 'pg_catalog.now'].includes(textsOf(node.FuncCall.funcname).join('.'))
}

function textsOf(names: unknown): string[] {
  return (Array.isArray(names) ? names : []).map((each: {String?: {sval?: string}}) => each.String?.sval ?? '')
}

/** The nodes of these types in a tree. */
export function nodesOf(tree: unknown, ...types: string[]): Tree[] {
  if (!isTree(tree)) return []
  return Object.entries(tree).flatMap(([name, child]) => [
    ...(types.includes(name) && isTree(child) ? [child] : []),
    ...nodesOf(child, ...types),
  ])
}
