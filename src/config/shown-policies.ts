import {policyKindNames} from '../catalog/live-policies.js'
import type {Declared} from '../policies/declared/declared.js'
import {kindNamed} from '../policies/kinds/index.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import type {PartitionRule} from '../partitions/periods.js'
import {compareAscending} from '../units/compare.js'
import {durationInWords} from '../units/duration.js'
import type {Config} from './load.js'
import type {ShownPolicy} from './shown.js'

const kinds = ['chunkInterval', ...policyKindNames] as const

/** Every setting of tables and aggregates, each with its origin. */
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
      const rule =
        `every ${each.every}, ${each.ahead} ahead, ${each.timezone}, from ${each.earliest.slice(0, 10)}, within ` +
        `${durationInWords(each.within)}`
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

function ruleOf(declared: Declared, kind: (typeof kinds)[number]): string | null {
  if (kind === 'chunkInterval')
    return declared.chunkInterval === undefined ? null : durationInWords(declared.chunkInterval)
  const rule = declared[kind]
  return rule === undefined || rule === 'none' ? (rule ?? null) : kindNamed(kind).inWords(rule)
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
