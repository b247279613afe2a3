import {tableOf} from './table-key.js'
import {matchesSelector} from './target-names.js'

/** The settings of the groups of a target and of the target itself, the strongest last. */
export function settingsOver<Settings extends object>(
  {
    targets,
    groups = {},
  }: {
    targets: Readonly<Record<string, Settings>>
    groups?: Readonly<Record<string, Settings & {targets: readonly string[]}>> | undefined
  },
  target: string,
): Settings[] {
  const [entry] = target.split('/', 1)
  const own = Object.hasOwn(targets, entry!) ? [targets[entry!]!] : []
  const shared = Object.values(groups).filter((group) =>
    group.targets.some((selector) => matchesSelector(selector, target)),
  )
  return [...shared, ...own]
}

/**
 * Entries of later layers replace fields of earlier ones. `a.b` and `"a".b` are the same table, which keeps the
 * spelling of the first layer that has it.
 */
export function mergeEntries<Entry extends object>(layers: readonly Readonly<Record<string, Entry>>[]) {
  const merged = new Map<string, {key: string; entry: Entry}>()
  for (const layer of layers)
    for (const [key, entry] of Object.entries(layer)) {
      const table = tableOf(key)
      const known = merged.get(table)
      merged.set(table, {key: known?.key ?? key, entry: known === undefined ? entry : {...known.entry, ...entry}})
    }
  return Object.fromEntries([...merged.values()].map(({key, entry}) => [key, entry])) as Record<string, Entry>
}
