import type {Declared} from '../policies/declared.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import type {PartitionRule} from '../partitions/periods.js'
import {compareAscending} from '../units/compare.js'
import {durationInWords} from '../units/duration.js'
import type {Config} from './load.js'
import type {ShownPolicy} from './shown.js'

const kinds = ['chunkInterval', 'compression', 'retention', 'refresh'] as const

/** Every setting of tables and aggregates, each with where it comes from. */
export function shownPolicies(
  config: Config | null,
  declared: readonly Declared[],
  partitions: readonly PartitionRule[],
): ShownPolicy[] {
  const given = givenFields(config)
  const from = (table: string, kind: string) =>
    given.get(table)?.has(kind) ? ('config' as const) : ('default' as const)
  return [
    ...declared.flatMap((each) =>
      kinds.flatMap((kind): ShownPolicy[] => {
        const rule = ruleOf(each, kind)
        return rule === null
          ? []
          : [
              {
                schema: each.schema,
                table: each.name,
                kind,
                rule,
                from: from(formatQualifiedName(each.schema, each.name), kind),
              },
            ]
      }),
    ),
    ...partitions.map((each): ShownPolicy => {
      const {schema, name} = parseQualifiedName(each.relation)
      const rule = `every ${each.every}, ${each.ahead} ahead, ${each.timezone}, from ${each.earliest.slice(0, 10)}, within ${durationInWords(each.within)}`
      return {
        schema: schema ?? 'public',
        table: name,
        kind: 'partitions',
        rule,
        from: from(formatQualifiedName(schema ?? 'public', name), 'partitions'),
      }
    }),
  ].sort((a, b) => compareAscending(`${a.schema}.${a.table}`, `${b.schema}.${b.table}`))
}

function ruleOf(
  {chunkInterval, compression, retention, refresh}: Declared,
  kind: (typeof kinds)[number],
): string | null {
  if (kind === 'chunkInterval') return chunkInterval === undefined ? null : durationInWords(chunkInterval)
  if (kind === 'compression')
    return compression === undefined || compression === 'none' ? (compression ?? null) : compressionRule(compression)
  if (kind === 'retention')
    return retention === undefined || retention === 'none'
      ? (retention ?? null)
      : `after ${durationInWords(retention.after)}, ${retention.native ? 'native' : 'gated'}`
  if (refresh === undefined || refresh === 'none') return refresh ?? null
  return `${durationInWords(refresh.startOffset)} to ${durationInWords(refresh.endOffset)} ago, every ${durationInWords(refresh.every)}`
}

function compressionRule({after, segmentBy, orderBy}: Exclude<NonNullable<Declared['compression']>, 'none'>): string {
  const list = (name: string, columns: readonly string[] | null) =>
    columns === null ? [] : [`${name} ${columns.join(', ') || 'none'}`]
  return [`after ${durationInWords(after)}`, ...list('segmentBy', segmentBy), ...list('orderBy', orderBy)].join('; ')
}

function givenFields(config: Config | null): Map<string, Set<string>> {
  const entries = [...Object.entries(config?.tables ?? {}), ...Object.entries(config?.aggregates ?? {})]
  return new Map(
    entries.map(([text, entry]) => {
      const {schema, name} = parseQualifiedName(text)
      return [
        formatQualifiedName(schema ?? 'public', name),
        new Set(
          Object.entries(entry)
            .filter(([, value]) => value !== undefined)
            .map(([field]) => field),
        ),
      ]
    }),
  )
}
