import {isGlob, matchesGlob} from '../units/glob.js'

/** A selector of targets: the name of a target or a pattern, and behind a slash the same for its databases. */
export interface Selector {
  text: string
  target: string
  /** Null: the target itself, or all of its databases. */
  database: string | null
}

/** The database is what follows the first slash: no target has a slash in its name, a database may. */
export function parseSelector(text: string): Selector {
  const slash = text.indexOf('/')
  return slash < 0
    ? {text, target: text, database: null}
    : {text, target: text.slice(0, slash), database: text.slice(slash + 1)}
}

/** Whether a selector selects a target, given by its full name: `paris`, `tenants/acme`. */
export function matchesSelector(selector: string, name: string): boolean {
  const wanted = parseSelector(selector)
  const {target, database} = parseSelector(name)
  if (!matches(wanted.target, target)) return false
  return wanted.database === null || (database !== null && matches(wanted.database, database))
}

/** A text without wildcards matches itself only. */
export function matches(pattern: string, text: string): boolean {
  return isGlob(pattern) ? pattern === text || matchesGlob(pattern, text) : pattern === text
}

/** Whether a database belongs to a target with this setting of `databases`. */
export function hasDatabase(databases: string | readonly string[], database: string): boolean {
  const patterns = typeof databases === 'string' ? [databases] : databases
  return patterns.some((pattern) => matches(pattern, database))
}

/** The setting as people read it: `tenant_*, archive`. */
export function databasesText(databases: string | readonly string[]): string {
  return typeof databases === 'string' ? databases : databases.join(', ')
}
