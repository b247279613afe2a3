import {readFileSync} from 'node:fs'

const cache = new Map<string, string>()

/** sql/ of the package: the same two steps up from src/db and from dist/db. */
export const sqlDirectory = new URL('../../sql/', import.meta.url)

/** The text of `sql/<name>.sql`. One statement a file, `$n` parameters, runnable as it stands. */
export function loadSql(name: string): string {
  let text = cache.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`${name}.sql`, sqlDirectory), 'utf8')
    cache.set(name, text)
  }
  return text
}
