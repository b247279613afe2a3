import type {z} from 'zod'
import {similar} from '../units/similar.js'
import {configJsonSchema} from './json-schema.js'

/** A mistake in a configuration: its path, and a description in plain words. */
export interface Problem {
  path: readonly PropertyKey[]
  message: string
}

type Schema = z.ZodType
type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

const article: Readonly<Record<string, string>> = {
  object: 'a map of fields',
  record: 'a map of names',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
}
const nameOfType = (type: string) => article[type] ?? type

/** Replaces zod's messages by plain words; a message from the schema itself takes precedence. */
const plainWords: z.core.$ZodErrorMap = (issue: RawIssue) => {
  if (issue.code === 'invalid_type')
    return issue.input === undefined
      ? `is missing (${nameOfType(issue.expected)})`
      : `must be ${nameOfType(issue.expected)}, not ${valueInWords(issue.input)}`
  if (issue.code === 'invalid_value') return oneOf(issue.values.map(String), issue.input)
  if (issue.code === 'too_small')
    return issue.origin === 'array' || issue.origin === 'string'
      ? 'must not be empty'
      : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  if (issue.code === 'too_big') return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  return undefined
}

function valueInWords(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of fields'
  return typeof value === 'string' ? `the text "${value}"` : String(value)
}

function oneOf(values: readonly string[], given: unknown): string {
  const meant = typeof given === 'string' ? similar(given, values) : null
  const must = values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`
  if (given === undefined) return `is missing (${values.join(', ')})`
  return `${must}, not ${valueInWords(given)}${meant === null ? '' : `; did you mean ${meant}?`}`
}

/** All mistakes of an input. If a field name is misspelt, its content is also checked, as if the name were right. */
export function check<Output>(schema: z.ZodType<Output>, input: unknown): {data: Output} | {problems: Problem[]} {
  const first = schema.safeParse(input, {error: plainWords})
  if (first.success) return {data: first.data}
  const problems = flatten(first.error.issues, input)
  for (const wrong of problems.flatMap(({wrongName}) => wrongName ?? []))
    if (wrong.meant !== null) problems.push(...inside(schema, input, wrong, problems))
  return {problems: problems.map(({path, message}) => ({path, message}))}
}

interface WrongName {
  /** Path of the map that has the field. */
  path: readonly PropertyKey[]
  name: string
  meant: string | null
}

interface Found extends Problem {
  wrongName?: WrongName
}

/** For a union zod reports only that nothing matches; the useful errors are those of the intended branch. */
function flatten(issues: readonly Issue[], input: unknown): Found[] {
  return issues.flatMap((issue): Found[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => wrongName(issue.path, name, at(input, issue.path)))
    if (issue.code === 'invalid_key')
      return [{path: issue.path, message: issue.issues[0]?.message ?? 'is not a name that can be used here'}]
    if (issue.code !== 'invalid_union') return [issue]
    return ofUnion(issue, input)
  })
}

function ofUnion(issue: Extract<Issue, {code: 'invalid_union'}>, input: unknown): Found[] {
  const value = at(input, issue.path)
  if (issue.errors.length === 0) {
    const {options = []} = issue as {options?: readonly string[]}
    return [{path: issue.path, message: oneOf(options, value)}]
  }
  // The branch that accepts the value's overall shape is the intended one; the errors are inside it.
  const meant = issue.errors.find((branch) =>
    branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys' || inner.code === 'custom'),
  )
  if (meant !== undefined)
    return flatten(
      meant.map((inner) => ({...inner, path: [...issue.path, ...inner.path]})),
      input,
    )
  const texts = issue.errors.flatMap((branch) => branch.flatMap(expectedBy))
  return [{path: issue.path, message: `must be ${texts.join(' or ')}, not ${valueInWords(value)}`}]
}

/** The values or the type that a branch of a union expects. */
function expectedBy(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_type' ? [nameOfType(issue.expected)] : []
}

function wrongName(path: readonly PropertyKey[], name: string, map: unknown): Found {
  const known = namesAt(path, map)
  const meant = similar(
    name,
    known.filter((each) => !(typeof map === 'object' && map !== null && Object.hasOwn(map, each))),
  )
  return {
    path: [...path, name],
    message: `is not a field here${meant === null ? ` (fields: ${known.join(', ')})` : `; did you mean ${meant}?`}`,
    wrongName: {path, name, meant},
  }
}

function inside(schema: Schema, input: unknown, {path, name, meant}: WrongName, known: readonly Found[]): Found[] {
  const again = schema.safeParse(renamed(input, path, name, meant!), {error: plainWords})
  if (again.success) return []
  const lead = [...path, meant!]
  const found = flatten(again.error.issues, renamed(input, path, name, meant!)).filter((each) =>
    lead.every((step, index) => each.path[index] === step),
  )
  const moved = found.map((each) => ({...each, path: [...path, name, ...each.path.slice(lead.length)]}))
  return moved.filter(
    (each) => !known.some((other) => other.message === each.message && other.path.join('.') === each.path.join('.')),
  )
}

function renamed(input: unknown, path: readonly PropertyKey[], from: string, to: string): unknown {
  if (Array.isArray(input))
    return input.map((each, index) => (index === path[0] ? renamed(each, path.slice(1), from, to) : each))
  return Object.fromEntries(
    Object.entries(input as object).map(([key, value]) => {
      if (path.length === 0) return [key === from ? to : key, value]
      return [key, key === path[0] ? renamed(value, path.slice(1), from, to) : value]
    }),
  )
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    input,
  )
}

interface Node {
  properties?: Record<string, Node>
  additionalProperties?: Node | false
  items?: Node
  anyOf?: Node[]
  oneOf?: Node[]
  const?: unknown
  /** `#/$defs/<id>`, for a part that is used more than once. */
  $ref?: string
  $defs?: Record<string, Node>
}

/** The field names that a map at this path may have; of several shapes, those of the one that `kind` selects. */
function namesAt(path: readonly PropertyKey[], map: unknown): string[] {
  const schema = configJsonSchema() as Node
  const shapes = (node: Node): Node[] => {
    const {$ref: id} = node
    if (id !== undefined) return shapes(schema.$defs![id.slice('#/$defs/'.length)]!)
    const choices = [...(node.anyOf ?? []), ...(node.oneOf ?? [])]
    return choices.length === 0 ? [node] : choices.flatMap(shapes)
  }
  const nodes = path.reduce<Node[]>(
    (all, step) => all.flatMap((node) => below(node, step)).flatMap(shapes),
    shapes(schema),
  )
  const kind = (map as {kind?: unknown} | null)?.kind
  const fitting = nodes.filter(
    ({properties}) => kind === undefined || properties?.kind?.const === undefined || properties.kind.const === kind,
  )
  return [...new Set(fitting.flatMap(({properties}) => Object.keys(properties ?? {})))]
}

function below(node: Node, step: PropertyKey): Node[] {
  if (typeof step === 'number') return node.items ? [node.items] : []
  const child = node.properties?.[String(step)] ?? node.additionalProperties
  return child ? [child] : []
}
