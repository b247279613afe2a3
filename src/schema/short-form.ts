import {z} from 'zod'
import {usageError} from '../errors.js'
import {problemsOf, tableSchema} from './check.js'
import type {CompressionDefinition, SchemaDefinition, TableDefinition} from './definition.js'
import {qicore} from './built-in.js'
import type {Problem} from './problem.js'
import {mistakesIn} from '../units/mistakes.js'

/** A table described by the name of a known type, which supplies its columns, keys and checks. */
export interface ShortForm {
  dslType: string
  tableName: string
  schema?: string | undefined
  hypertable: boolean
  /** Partitioning columns besides time; at most one. */
  partitionBy?: readonly string[] | undefined
  compression?: {after: string; segmentBy: readonly string[]; orderBy?: readonly string[] | undefined} | undefined
}

const text = z.string().min(1)
const shape: z.ZodType<ShortForm> = z.strictObject({
  dslType: text,
  tableName: text,
  schema: text.optional(),
  hypertable: z.boolean(),
  partitionBy: z.array(text).max(1, 'a table is partitioned by one column beside its time').optional(),
  compression: z
    .strictObject({after: text, segmentBy: z.array(text), orderBy: z.array(text).min(1).optional()})
    .optional(),
})

const spacePartitions = 4

/** Both forms have a dslType; only the short one has a tableName. */
export function isShortForm(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'tableName' in entry
}

/** Completes a short form from the table of its type. */
export function expandShortForm({
  dslType,
  tableName,
  schema = 'public',
  hypertable,
  partitionBy = [],
  compression,
}: ShortForm): TableDefinition | null {
  const known = qicore.tables.find((table) => table.dslType === dslType)
  if (!known) return null
  const time = known.hypertable!.time
  const [column] = partitionBy
  const same = schema === known.schema && tableName === known.name
  const renamed = <T extends {name: string}>(objects: readonly T[] | undefined) =>
    same ? objects : objects?.map((object) => ({...object, name: newName(object.name, known.name, tableName)}))
  const {space: knownSpace, ...knownHypertable} = known.hypertable!
  return {
    ...known,
    schema,
    name: tableName,
    primaryKey: ['id', ...(hypertable ? [time] : []), ...(column === undefined ? [] : [column])],
    uniques: renamed(known.uniques),
    checks: renamed(known.checks),
    indexes: renamed(known.indexes),
    foreignKeys: renamed(known.foreignKeys),
    // The guard trigger's function works for one table only.
    triggers: same ? known.triggers : undefined,
    hypertable: hypertable
      ? {
          ...knownHypertable,
          ...(column !== undefined && {
            space: {column, partitions: knownSpace?.column === column ? knownSpace.partitions : spacePartitions},
          }),
        }
      : undefined,
    compression: compressionOf(compression, known, time),
    retention: hypertable ? known.retention : undefined,
  }
}

function compressionOf(
  written: ShortForm['compression'],
  known: TableDefinition,
  time: string,
): CompressionDefinition | undefined {
  return (
    written && {
      after: written.after,
      segmentBy: written.segmentBy,
      orderBy: written.orderBy ?? known.compression?.orderBy ?? [`${time} desc`, 'id desc'],
    }
  )
}

/** Indexes share a namespace with tables, so a name without the table's name gets it as a prefix. */
function newName(name: string, old: string, table: string): string {
  return name.includes(old) ? name.replace(old, () => table) : `${table}_${name}`
}

/**
 * Reads definitions of tables, each in the full or the short form.
 * @throws OpsError DEFINITION with every mistake, by its path in the input
 */
export function readDefinitions(input: unknown, where: string): SchemaDefinition {
  const {definitions, problems} = tryDefinitions(input)
  if (problems.length > 0 || definitions === null)
    throw usageError(
      'DEFINITION',
      mistakesIn(
        where,
        problems.map(({path, message}) => `${path}: ${message}`),
      ),
    )
  return definitions
}

function tryDefinitions(input: unknown): {definitions: SchemaDefinition | null; problems: Problem[]} {
  const {tables, ...rest} = (
    typeof input === 'object' && input !== null && !Array.isArray(input) ? input : {tables: input}
  ) as {tables?: unknown}
  if (!Array.isArray(tables))
    return {definitions: null, problems: [{path: 'tables', message: 'a list of tables was expected'}]}
  const own: Problem[] = []
  const short = new Map<number, ShortForm>()
  const failed: number[] = []
  const full = tables.map((entry: unknown, index) => {
    if (!isShortForm(entry)) return entry
    const read = shape.safeParse(entry)
    if (!read.success) {
      failed.push(index)
      own.push(
        ...read.error.issues.map(({path, message}) => ({
          path: `tables[${index}]${path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}`,
          message,
        })),
      )
      return null
    }
    const expanded = expandShortForm(read.data)
    if (expanded === null) {
      failed.push(index)
      own.push({
        path: `tables[${index}].dslType`,
        message:
          `"${read.data.dslType}" is not a known type. Known types: ` +
          `${qicore.tables.flatMap(({dslType}) => dslType ?? []).join(', ')}`,
      })
    } else short.set(index, read.data)
    return expanded
  })
  // An entry that could not be expanded already has errors; it keeps its index, so that the paths of the others stay
  // valid.
  const lost = (path: string) =>
    failed.some((index) => path === `tables[${index}]` || path.startsWith(`tables[${index}].`))
  const definitions = {aggregates: [], ...rest, tables: full}
  const problems = problemsOf(definitions)
    .filter(({path}) => !lost(path))
    .map((problem) => asWritten(problem, short))
  const unique = [
    ...new Map([...own, ...problems].map((problem) => [`${problem.path}\0${problem.message}`, problem])).values(),
  ]
  return {
    definitions:
      unique.length === 0
        ? ({...definitions, tables: full.map((entry) => tableSchema.parse(entry))} as SchemaDefinition)
        : null,
    problems: unique,
  }
}

/** Translates the path of an error to the fields of the short form it came from. */
function asWritten({path, message}: Problem, short: ReadonlyMap<number, ShortForm>): Problem {
  const [, table, rest] = /^(tables\[(?:\d+)\])\.(.*)$/s.exec(path) ?? []
  if (table === undefined || !short.has(Number(table.slice(7, -1)))) return {path, message}
  const own = [
    [/^name$/, 'tableName'],
    [/^hypertable\.space.*$/, 'partitionBy[0]'],
    [/^primaryKey\[\d+\]$/, 'partitionBy[0]'],
  ].reduce((text, [from, to]) => text.replace(from as RegExp, to as string), rest!)
  return {path: `${table}.${own}`, message}
}
