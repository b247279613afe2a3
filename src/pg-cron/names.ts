import {createHash} from 'node:crypto'

/** pg_cron keeps a name in PostgreSQL's type of that name up to 1.4. */
const longest = 63
const longestDatabase = 24

/** What the names of all our jobs of a database begin with. */
export function prefixOf(database: string): string {
  return `qicore:${shortened(database, longestDatabase)}:`
}

/** The name of a job in pg_cron: `qicore:market:refresh:public.daily_ohlcv_summary`. */
export function nameOf(database: string, job: string, part: string): string {
  const prefix = prefixOf(database)
  return prefix + shortened(part === '' ? job : `${job}:${part}`, longest - Buffer.byteLength(prefix))
}

function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8)
  let cut = [...text]
  while (Buffer.byteLength(cut.join('')) > bytes - hash.length - 1) cut = cut.slice(0, -1)
  return `${cut.join('')}~${hash}`
}

const calls =
  /^\s*call\s+(qicore\.(maintain|retain|refresh|ensure_partitions|prune_history|run_sql)|public\.maintain_hypertables)\s*\(/i

/** Ours is what has our name in this database and calls what we have made. */
export function isOurs(database: string, {name, command}: {name: string | null; command: string}): boolean {
  return name !== null && name.startsWith(prefixOf(database)) && calls.test(command)
}
