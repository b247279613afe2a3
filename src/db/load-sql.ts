import {readFileSync} from 'node:fs'
import type {Statement, Value} from './sql.js'

const cache = new Map<string, string>()

/** The package's sql/ directory: two levels up from both src/db and dist/db. */
export const sqlDirectory = new URL('../../sql/', import.meta.url)

/**
 * `sql/<name>.sql` as a statement that a session keeps prepared. For statements that run for every step or occurrence:
 * parsing and planning cost more than execution (1.1 of 1.5 ms for a claim). The plan is generic, and is replaced when
 * the tables are analyzed.
 */
export function prepared(name: string, values: readonly Value[]): Statement {
  return {text: loadSql(name), values, name: `qicore:${name}`}
}

/** The text of `sql/<name>.sql`: one statement with `$n` parameters. */
export function loadSql(name: string): string {
  let text = cache.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`${name}.sql`, sqlDirectory), 'utf8')
    cache.set(name, text)
  }
  return text
}
