import {readFileSync} from 'node:fs'
import type {Statement, Value} from './sql.js'

const cache = new Map<string, string>()

/** sql/ of the package: the same two steps up from src/db and from dist/db. */
export const sqlDirectory = new URL('../../sql/', import.meta.url)

/**
 * `sql/<name>.sql` as a statement that a session keeps prepared. For what is asked for every step or occurrence:
 * reading and planning it cost more than running it (a claim 1.1 ms of 1.5). Its plan is one for all values, and is
 * made again when the tables are analyzed.
 */
export function prepared(name: string, values: readonly Value[]): Statement {
  return {text: loadSql(name), values, name: `qicore:${name}`}
}

/** The text of `sql/<name>.sql`. One statement a file, `$n` parameters, runnable as it stands. */
export function loadSql(name: string): string {
  let text = cache.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`${name}.sql`, sqlDirectory), 'utf8')
    cache.set(name, text)
  }
  return text
}
