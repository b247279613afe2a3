import {userTableProblems} from '../schema/user-tables.js'
import {isGlob} from '../units/glob.js'
import {tableOf} from './table-key.js'
import {hasDatabase, matches, parseSelector} from './target-names.js'
import {mergeEntries, settingsOver} from './layers.js'

interface Problem {
  path: readonly string[]
  message: string
}

interface Entry {
  tables?: unknown
}

interface TargetEntry extends Entry {
  databases?: unknown
}

interface GroupEntry extends Entry {
  targets?: unknown
}

/** The parts of the file that the rules compare; any of them may have the wrong type, which is reported elsewhere. */
interface File {
  default?: unknown
  targets?: unknown
  groups?: unknown
  tables?: unknown
}

/** Mistakes that concern several sections: the default target, groups, and tables that are described in two places. */
export function targetProblems(file: File): Problem[] {
  const targets = mapsIn<TargetEntry>(file.targets)
  const groups = mapsIn<GroupEntry>(file.groups)
  return [
    ...defaultProblems(file.default, targets),
    ...Object.entries(groups).flatMap(([name, group]) => groupProblems(name, listOf(group.targets), targets)),
    ...tableProblems(targets, groups, mapsIn(file.tables)),
  ]
}

function defaultProblems(name: unknown, targets: Record<string, TargetEntry>): Problem[] {
  if (typeof name !== 'string') return []
  const named = Object.keys(targets)
  if (!named.includes(name))
    return [{path: ['default'], message: `there is no target "${name}" (targets: ${named.join(', ') || 'none'})`}]
  if (targets[name]!.databases === undefined) return []
  return [{path: ['default'], message: `"${name}" has many databases, and the default is one`}]
}

function groupProblems(name: string, selectors: readonly string[], targets: Record<string, TargetEntry>): Problem[] {
  const taken = Object.hasOwn(targets, name) ? [{path: ['groups', name], message: 'a target has the same name'}] : []
  const unknown = selectors.flatMap((text, index): Problem[] => {
    const {target, database} = parseSelector(text)
    const found = Object.entries(targets).filter(
      ([each, entry]) => matches(target, each) && (database === null || mayHave(entry, database)),
    )
    if (found.length > 0) return []
    const message = `"${text}" is not a target (targets: ${Object.keys(targets).join(', ') || 'none'})`
    return [{path: ['groups', name, 'targets', String(index)], message}]
  })
  return [...taken, ...unknown]
}

/** Whether a target with `databases` may have one of this name. */
function mayHave({databases}: TargetEntry, database: string): boolean {
  if (databases === undefined) return false
  return isGlob(database) || hasDatabase(typeof databases === 'string' ? databases : listOf(databases), database)
}

/** The rules for described tables, applied to what is in effect for each target with tables of its own. */
function tableProblems(
  targets: Record<string, TargetEntry>,
  groups: Record<string, GroupEntry>,
  tables: Record<string, object>,
): Problem[] {
  const listed = Object.fromEntries(
    Object.entries(groups).map(([name, group]) => [name, {...group, targets: listOf(group.targets)}]),
  )
  const databases = Object.values(listed).flatMap((group) => group.targets.filter((text) => text.includes('/')))
  const found = [...Object.keys(targets), ...databases].flatMap((target) => {
    const layers = settingsOver<Entry>({targets, groups: listed}, target)
      .map((layer) => ({layer, tables: mapsIn<object>(layer.tables)}))
      .filter((each) => Object.keys(each.tables).length > 0)
    if (layers.length === 0) return []
    const merged = mergeEntries([tables, ...layers.map((each) => each.tables)])
    return userTableProblems(merged).flatMap(({at: [key, ...field], message}): Problem[] => {
      // The strongest layer that has the table; a mistake of the file alone is reported there.
      const section = layers.findLast((each) => Object.keys(each.tables).some((own) => tableOf(own) === tableOf(key!)))
      if (section === undefined) return []
      const written = Object.keys(section.tables).find((own) => tableOf(own) === tableOf(key!))!
      const group = Object.keys(listed).find((name) => listed[name] === section.layer)
      const where = group === undefined ? ['targets', parseSelector(target).target] : ['groups', group]
      return [{path: [...where, 'tables', written, ...field], message}]
    })
  })
  // Targets of one group have the same mistake.
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()]
}

/** The entries that are maps. */
function mapsIn<Entry extends object>(value: unknown): Record<string, Entry> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter(([, each]) => typeof each === 'object' && each !== null && !Array.isArray(each)),
  ) as Record<string, Entry>
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
