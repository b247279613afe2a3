/** Reads a CHECK's condition with PostgreSQL's own parser, if it can be expressed in TypeScript. */
import {parse, type Node} from 'libpg-query'
import type {Operator} from '../../columns/compare.js'
import {readType} from '../types.js'
import type {TableDefinition} from '../definition.js'

export type Kind = 'decimal' | 'instant' | 'text' | 'boolean'

export type Term =
  | {term: 'column'; column: string; kind: Kind}
  | {term: 'constant'; text: string; kind: Kind}
  | {term: 'calculation'; operator: '+' | '-' | '*'; left: Term; right: Term; kind: 'decimal'}

export type Condition =
  | {is: 'comparison'; operator: Operator; left: Term; right: Term}
  | {is: 'truth'; of: Term}
  | {is: 'null'; column: string}
  | {is: 'and' | 'or'; of: Condition[]}
  | {is: 'not'; of: Condition}

/** The conjuncts of a check that can be evaluated outside the database; null if there are none. */
export async function readCheck(
  expression: string,
  {columns}: Pick<TableDefinition, 'columns'>,
): Promise<Condition[] | null> {
  const kinds = new Map(columns.map(({name, type}) => [name, kindOf(type)]))
  try {
    const {stmts} = await parse(`select ${expression}`)
    const [only, ...others] = stmts ?? []
    const select = only?.stmt && 'SelectStmt' in only.stmt ? only.stmt.SelectStmt : null
    const target = select?.targetList?.[0]
    // Rejects anything but one plain expression.
    if (
      others.length > 0 ||
      !select ||
      select.targetList?.length !== 1 ||
      Object.keys(select).some((part) => !['targetList', 'limitOption', 'op'].includes(part))
    )
      return null
    const condition =
      target && 'ResTarget' in target && target.ResTarget.name === undefined
        ? conditionOf(target.ResTarget.val, kinds)
        : null
    return condition === null ? null : conjuncts(condition)
  } catch {
    return null
  }
}

function conjuncts(condition: Condition): Condition[] {
  return condition.is === 'and' ? condition.of.flatMap(conjuncts) : [condition]
}

function kindOf(type: string): Kind | null {
  const read = readType(type)
  if (!read || read.array) return null
  switch (read.base) {
    case 'numeric':
    case 'integer':
    case 'smallint':
    case 'bigint':
    case 'serial':
    case 'smallserial':
    case 'bigserial':
      return 'decimal'
    case 'timestamptz':
      return 'instant'
    case 'text':
    case 'varchar':
      return 'text'
    case 'boolean':
      return 'boolean'
    default:
      return null
  }
}

type Kinds = ReadonlyMap<string, Kind | null>

function conditionOf(node: Node | undefined, kinds: Kinds): Condition | null {
  if (!node) return null
  if ('BoolExpr' in node) {
    const parts = (node.BoolExpr.args ?? []).map((part) => conditionOf(part, kinds))
    if (parts.includes(null)) return null
    const of = parts as Condition[]
    if (node.BoolExpr.boolop === 'NOT_EXPR') return {is: 'not', of: of[0]!}
    return {is: node.BoolExpr.boolop === 'AND_EXPR' ? 'and' : 'or', of}
  }
  if ('NullTest' in node) {
    const column = columnOf(node.NullTest.arg)
    if (column === null || !kinds.has(column)) return null
    return node.NullTest.nulltesttype === 'IS_NULL' ? {is: 'null', column} : {is: 'not', of: {is: 'null', column}}
  }
  if ('A_Expr' in node) return comparisonOf(node.A_Expr, kinds)
  const term = termOf(node, kinds)
  return term?.kind === 'boolean' ? {is: 'truth', of: term} : null
}

type Expression = Extract<Node, {A_Expr: unknown}>['A_Expr']

function comparisonOf({kind, name, lexpr, rexpr}: Expression, kinds: Kinds): Condition | null {
  const left = termOf(lexpr, kinds)
  const operator = joinedName(name)
  const others = rexpr && 'List' in rexpr ? (rexpr.List.items ?? []) : []
  if (!left) return null
  switch (kind) {
    case 'AEXPR_OP':
      return compared(left, operator, termOf(rexpr, kinds))
    case 'AEXPR_IN': {
      const each = others.map((other) => compared(left, operator, termOf(other, kinds)))
      return each.includes(null) ? null : {is: operator === '=' ? 'or' : 'and', of: each as Condition[]}
    }
    case 'AEXPR_BETWEEN': {
      const [low, high] = [
        compared(left, '>=', termOf(others[0], kinds)),
        compared(left, '<=', termOf(others[1], kinds)),
      ]
      return low && high ? {is: 'and', of: [low, high]} : null
    }
    default:
      return null
  }
}

function compared(left: Term, written: string, right: Term | null): Condition | null {
  const operator = written === '!=' ? '<>' : written
  if (!right || !['=', '<>', '<', '<=', '>', '>='].includes(operator)) return null
  // A constant takes the type of the other side. Ordering of texts depends on the collation, so it is not supported.
  const kind = left.term === 'constant' ? right.kind : left.kind
  const [a, b] = [as(left, kind), as(right, kind)]
  if (!a || !b || (kind !== 'decimal' && kind !== 'instant' && !['=', '<>'].includes(operator))) return null
  if (kind === 'boolean') return null
  return {is: 'comparison', operator: operator as Operator, left: a, right: b}
}

function as(term: Term, kind: Kind): Term | null {
  if (term.kind === kind) return term
  return term.term === 'constant' && term.kind === 'text' && kind === 'instant' && zoned.test(term.text)
    ? {...term, kind}
    : null
}

const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)$/

function termOf(node: Node | undefined, kinds: Kinds): Term | null {
  if (!node) return null
  const column = columnOf(node)
  if (column !== null) {
    const kind = kinds.get(column)
    return kind ? {term: 'column', column, kind} : null
  }
  if ('A_Const' in node) return constantOf(node.A_Const)
  if ('TypeCast' in node) {
    const inner = termOf(node.TypeCast.arg, kinds)
    const to = (node.TypeCast.typeName?.names ?? [])
      .flatMap((part) => ('String' in part ? [part.String.sval] : []))
      .at(-1)
    if (inner?.term !== 'constant' || inner.kind !== 'text') return null
    if (to === 'timestamptz' && zoned.test(inner.text)) return {...inner, kind: 'instant'}
    return to === 'text' || to === 'varchar' ? inner : null
  }
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_OP') {
    const operator = joinedName(node.A_Expr.name)
    const right = termOf(node.A_Expr.rexpr, kinds)
    // Unary minus is an operator without a left side.
    const implied = operator === '-' ? zero : null
    const left = node.A_Expr.lexpr ? termOf(node.A_Expr.lexpr, kinds) : implied
    if (left?.kind !== 'decimal' || right?.kind !== 'decimal' || !['+', '-', '*'].includes(operator)) return null
    if (left === zero && right.term === 'constant')
      return {...right, text: right.text.startsWith('-') ? right.text.slice(1) : `-${right.text}`}
    return {term: 'calculation', operator: operator as '+', left, right, kind: 'decimal'}
  }
  return null
}

const zero: Term = {term: 'constant', text: '0', kind: 'decimal'}

function constantOf(constant: Extract<Node, {A_Const: unknown}>['A_Const']): Term | null {
  if (constant.isnull) return null
  if (constant.sval) return {term: 'constant', text: constant.sval.sval ?? '', kind: 'text'}
  if (constant.ival) return {term: 'constant', text: String(constant.ival.ival ?? 0), kind: 'decimal'}
  if (constant.fval?.fval && /^-?\d+(\.\d+)?$/.test(constant.fval.fval))
    return {term: 'constant', text: constant.fval.fval, kind: 'decimal'}
  return null
}

function columnOf(node: Node | undefined): string | null {
  if (!node || !('ColumnRef' in node)) return null
  const [field, ...more] = node.ColumnRef.fields ?? []
  return field && more.length === 0 && 'String' in field ? (field.String.sval ?? null) : null
}

function joinedName(parts: readonly Node[] | undefined): string {
  const [only, ...more] = parts ?? []
  return only && more.length === 0 && 'String' in only ? (only.String.sval ?? '') : ''
}
