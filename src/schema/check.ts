/** Validates definitions: zod checks the shape, rules.ts the meaning. Imported only where definitions are checked. */
import {z} from 'zod'
import {messageOf} from '../errors.js'
import {parseDuration} from '../units/duration.js'
import {isCanonicalEvery, type Every} from '../units/period.js'
import type {AggregateDefinition, TableDefinition} from './definition.js'
import {sharedNameProblems} from './name-rules.js'
import {aggregateProblems, tableProblems} from './rules.js'
import type {Problem} from './problem.js'
import {missing} from './missing.js'
import {knownTypes, readType} from './types.js'

const text = z.string().min(1)
const columns = z.array(text).min(1)
const duration = text.superRefine((value, context) => {
  try {
    parseDuration(value)
  } catch (error) {
    context.addIssue({code: 'custom', message: messageOf(error)})
  }
})
/** In its canonical spelling, because it becomes part of SQL. */
const every = z.custom<Every>((value) => typeof value === 'string' && isCanonicalEvery(value), {
  error: 'not the length of a partition: write month, day or "6 hours"',
})
const type = text.refine((value) => readType(value) !== null, {
  error: ({input}) => `"${String(input)}" is not a known type. Known types: ${knownTypes.join(', ')}`,
})

const column = z.strictObject({
  name: text,
  type,
  nullable: z.boolean().optional(),
  default: text.optional(),
  doc: text.optional(),
})
const named = {name: text, columns}
const references = z.strictObject({schema: text, table: text, columns})
const retention = z.strictObject({after: duration})
const compression = z.strictObject({after: duration, segmentBy: z.array(text), orderBy: columns})

/** One table of a definition; error paths match the definition. */
export const tableSchema: z.ZodType<TableDefinition> = z.strictObject({
  schema: text,
  name: text,
  doc: text,
  dslType: text.optional(),
  columns: z.array(column).min(1),
  primaryKey: columns,
  uniques: z.array(z.strictObject(named)).optional(),
  checks: z.array(z.strictObject({name: text, expression: text, since: text.optional()})).optional(),
  indexes: z.array(z.strictObject(named)).optional(),
  foreignKeys: z.array(z.strictObject({...named, references})).optional(),
  triggers: z
    .array(
      z.strictObject({
        name: text,
        event: z.enum(['insert', 'update', 'delete']),
        oldRows: text.optional(),
        newRows: text.optional(),
        function: text,
      }),
    )
    .optional(),
  hypertable: z
    .strictObject({
      time: text,
      chunkInterval: duration,
      space: z.strictObject({column: text, partitions: z.int().min(0).max(32_767)}).optional(),
      partitions: z.strictObject({period: every, ahead: z.int().min(0).max(366)}).optional(),
    })
    .optional(),
  distribution: z
    .discriminatedUnion('kind', [
      z.strictObject({kind: z.literal('reference')}),
      z.strictObject({
        kind: z.literal('hash'),
        column: text,
        colocateWith: z.strictObject({schema: text, table: text}).optional(),
      }),
    ])
    .optional(),
  compression: compression.optional(),
  retention: retention.optional(),
  rows: z.strictObject({columns, values: z.array(z.array(z.string()))}).optional(),
})

export const aggregateSchema: z.ZodType<AggregateDefinition> = z.strictObject({
  schema: text,
  name: text,
  doc: text,
  source: z.strictObject({schema: text, table: text}),
  time: text,
  bucket: duration,
  groupBy: z.array(text),
  where: text.optional(),
  columns: z
    .array(
      z.strictObject({
        name: text,
        function: z.enum(['avg', 'min', 'max', 'sum', 'count', 'first', 'last']),
        of: text.optional(),
        doc: text.optional(),
      }),
    )
    .min(1),
  refresh: z.strictObject({startOffset: duration, endOffset: duration, every: duration}),
  compression: compression.optional(),
  retention: retention.optional(),
})

const schemaSchema = z.strictObject({
  tables: z.array(tableSchema),
  aggregates: z.array(aggregateSchema),
  routines: z.array(text).optional(),
})

/** Errors of shape only: a snapshot may be older than a rule. */
export function shapeProblems(input: unknown): Problem[] {
  const {error} = schemaSchema.safeParse(input, {error: missing})
  return (error?.issues ?? []).map(({path, message}) => ({path: pathText(path), message}))
}

/** All errors, each with its path; empty if the definitions are valid. */
export function problemsOf(input: unknown): Problem[] {
  const {tables, aggregates} = wellShaped(input)
  // Rules require a valid shape: a table without one gets only the errors of its shape.
  return [
    ...shapeProblems(input),
    ...tables.flatMap(({value, index}) =>
      prefixed(
        `tables[${index}]`,
        tableProblems(
          value,
          tables.map((entry) => entry.value),
        ),
      ),
    ),
    ...aggregates.flatMap(({value, index}) =>
      prefixed(
        `aggregates[${index}]`,
        aggregateProblems(
          value,
          tables.map((entry) => entry.value),
        ),
      ),
    ),
    ...sharedNameProblems(tables, aggregates),
  ]
}

function wellShaped(input: unknown) {
  const {tables, aggregates} = (input ?? {}) as {tables?: unknown; aggregates?: unknown}
  return {tables: parsed(tables, tableSchema), aggregates: parsed(aggregates, aggregateSchema)}
}

function parsed<T>(list: unknown, schema: z.ZodType<T>): {value: T; index: number}[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((entry, index) => {
    const {success, data} = schema.safeParse(entry)
    return success ? [{value: data, index}] : []
  })
}

function prefixed(prefix: string, problems: readonly Problem[]): Problem[] {
  return problems.map(({path, message}) => ({path: `${prefix}.${path}`, message}))
}

function pathText(path: readonly PropertyKey[]): string {
  return (
    path
      .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
      .join('') || 'the definition'
  )
}
