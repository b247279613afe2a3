import {expect, it} from 'vitest'
import {configJsonSchema} from '../../../src/config/json-schema.js'

type Node = Record<string, unknown>

/** Every named field of the schema with its path. */
function fieldsOf(node: unknown, path = ''): [string, Node][] {
  if (Array.isArray(node)) return node.flatMap((each, index) => fieldsOf(each, `${path}/${index}`))
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === 'default' || key === 'examples') return []
    if (key !== 'properties') return fieldsOf(value, `${path}/${key}`)
    return Object.entries(value as Record<string, Node>).flatMap(([name, field]) => [
      [`${path}/${name}`, field] as [string, Node],
      ...fieldsOf(field, `${path}/${name}`),
    ])
  })
}

const fields = fieldsOf(configJsonSchema())
const named = (name: string) => fields.filter(([path]) => path.endsWith(`/${name}`)).map(([, field]) => field)

it('every field of the JSON Schema has a description, and examples unless its values are listed', () => {
  expect(fields.length).toBeGreaterThan(100)
  expect(fields.filter(([, {description}]) => typeof description !== 'string').map(([path]) => path)).toEqual([])
  const listed = ({enum: values, const: value, examples}: Node) =>
    values !== undefined || value !== undefined || Array.isArray(examples)
  expect(fields.filter(([, field]) => !listed(field) && field.type !== 'boolean').map(([path]) => path)).toEqual([])
})

it('a field with a default value states it', () => {
  for (const [name, value] of [
    ['lockTimeout', '2s'],
    ['maxDropPerRun', 8],
    ['timeout', '1h'],
    ['retries', 2],
    ['catchUp', 'once'],
    ['keep', '90d'],
    ['native', false],
    ['every', 'month'],
  ] as const)
    expect(named(name).map((field) => field.default)).toContain(value)
})

it('a duration is a string only: the program refuses a bare number too', () => {
  for (const name of ['after', 'lockTimeout', 'chunkInterval', 'startOffset', 'backoff'])
    expect(new Set(named(name).map(({type}) => type))).toEqual(new Set(['string']))
})
