import {formatQualifiedName, parseQualifiedName} from '../../db/qualified-name.js'
import {usageError} from '../../errors.js'
import {policyKindNames, type PolicyKindName} from '../../catalog/live-policies.js'
import type {TimeUnit} from '../../catalog/time.js'
import type {AggregateDefinition, SchemaDefinition, TableDefinition} from '../../schema/definition.js'
import {parseDuration, type Duration} from '../../units/duration.js'
import {command} from '../../units/command.js'
import {policyKinds, type Rules, type WrittenRules} from '../kinds/index.js'

type DeclaredRules = {[Name in PolicyKindName]?: 'none' | Rules[Name] | undefined}

/** The declaration of one table or aggregate. A kind that is absent is not managed; `none`: no policy of the kind. */
export interface Declared extends DeclaredRules {
  schema: string
  name: string
  /** Where it is declared. An object that only the definitions declare may be missing in a database. */
  from: 'definitions' | 'config'
  section: 'tables' | 'aggregates'
  /** Its columns are declared too, so a missing table can be created. */
  described?: boolean
  /** The declared time column; undefined if the columns are not declared. */
  timeColumn?: string | undefined
  timeUnit?: TimeUnit | undefined
  /** Format of a text that is the key of a partition set. */
  keyFormat?: 'ulid' | undefined
  chunkInterval?: Duration | undefined
}

/** The two sections of the configuration that declare policies. */
export interface PolicySections {
  tables: Readonly<Record<string, PolicyEntry>>
  aggregates: Readonly<Record<string, PolicyEntry>>
}

type PolicyEntry = {[Name in PolicyKindName]?: 'none' | WrittenRules[Name] | undefined} & {
  columns?: unknown
  hypertable?: {time: string} | undefined
  partitions?: 'none' | {keyFormat?: 'ulid' | undefined} | undefined
  timeUnit?: TimeUnit | undefined
  chunkInterval?: Duration | undefined
}

/**
 * The defaults of the definitions, overridden by the configuration field by field within a policy.
 * @param definitions null if no migrations are recorded: the defaults then do not apply to this database
 * @throws OpsError CONFIG if one object is named twice
 */
export function declaredPolicies(definitions: SchemaDefinition | null, sections: PolicySections | null): Declared[] {
  const byName = new Map<string, Declared>()
  for (const declared of definitions === null ? [] : defaultsOf(definitions))
    byName.set(declaredName(declared), declared)
  const seen = new Map<string, string>()
  for (const section of ['tables', 'aggregates'] as const)
    for (const [text, entry] of Object.entries(sections?.[section] ?? {})) {
      const {schema, name} = parseQualifiedName(text)
      const key = formatQualifiedName(schema ?? 'public', name)
      const before = seen.get(key)
      if (before !== undefined)
        throw usageError('CONFIG', `The configuration names ${key} twice: ${before} and ${section}.${text}.`, [
          'Merge them into one entry.',
        ])
      seen.set(key, `${section}.${text}`)
      if (entry.columns !== undefined && !saysPolicy(entry)) continue
      byName.set(key, over(byName.get(key), entry, {schema: schema ?? 'public', name, section}))
    }
  return [...byName.values()]
}

/** The message about an object that is declared but not in the database. */
export function notHere(each: Declared): string {
  const key = declaredName(each)
  if (each.from === 'definitions') return `${key} does not exist yet. To create it: ${command('migrate up')}`
  if (!each.described) return `${key} does not exist. List the tables: ${command('stats')}`
  return (
    `${key} does not exist yet: ` +
    `\`${command('migrate new', [`add_${each.name.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`])}\` writes its migration, \`${command('migrate up')}\` applies it.`
  )
}

export function declaredName({schema, name}: {schema: string; name: string}): string {
  return formatQualifiedName(schema, name)
}

/** Whether an entry declares a policy. One with columns only describes a table, which may be an ordinary one. */
function saysPolicy(entry: PolicyEntry): boolean {
  return entry.chunkInterval !== undefined || policyKindNames.some((kind) => entry[kind] !== undefined)
}

function over(
  base: Declared | undefined,
  entry: PolicyEntry,
  object: Pick<Declared, 'schema' | 'name' | 'section'>,
): Declared {
  const rules = policyKinds.map((kind) => {
    const [written, before] = [entry[kind.name], base?.[kind.name]]
    if (written === undefined || written === 'none') return [kind.name, written ?? before]
    return [kind.name, kind.declare(written, before === 'none' ? undefined : before)]
  })
  return {
    ...object,
    from: 'config',
    described: entry.columns !== undefined,
    timeColumn: entry.hypertable?.time ?? base?.timeColumn,
    timeUnit: entry.timeUnit ?? base?.timeUnit,
    keyFormat: entry.partitions === 'none' ? undefined : (entry.partitions?.keyFormat ?? base?.keyFormat),
    chunkInterval: entry.chunkInterval ?? base?.chunkInterval,
    ...(Object.fromEntries(rules) as DeclaredRules),
  }
}

function defaultsOf({tables, aggregates}: SchemaDefinition): Declared[] {
  return [
    ...tables
      .filter(({hypertable}) => hypertable)
      .map(
        (table): Declared => ({
          ...defaultOf(table, 'tables'),
          timeColumn: table.hypertable!.time,
          chunkInterval: parseDuration(table.hypertable!.chunkInterval),
        }),
      ),
    ...aggregates.map((aggregate) => defaultOf(aggregate, 'aggregates')),
  ]
}

function defaultOf(definition: TableDefinition | AggregateDefinition, section: Declared['section']): Declared {
  const rules = policyKinds.map((kind) => [kind.name, kind.fromDefinition(definition)])
  const {schema, name} = definition
  return {schema, name, from: 'definitions', section, ...(Object.fromEntries(rules) as DeclaredRules)}
}
