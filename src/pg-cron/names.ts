import {createHash} from 'node:crypto'
import {callsIn} from '../db/sql-calls.js'

/** pg_cron keeps a name in PostgreSQL's type of that name up to 1.4. */
const longest = 63
const longestDatabase = 24

/** What the names of all our jobs of a database begin with. */
function prefixOf(database: string): string {
  return `qicore:${shortened(database, longestDatabase)}:`
}

/** The name of a job in pg_cron: `qicore:market:refresh:public.daily_ohlcv_summary`. */
export function entryName(database: string, job: string, part: string): string {
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

/** The procedures that our entries call. */
const procedures = new Set(
  ['maintain', 'retain', 'refresh', 'ensure_partitions', 'prune_history', 'run_sql'].map((name) => `qicore.${name}`),
).add('public.maintain_hypertables')

/**
 * Whether an entry has a name that we give in this database. The name is the only key that pg_cron keeps of an entry:
 * this is the one place that reads it.
 */
export function hasOurName(database: string, name: string | null): boolean {
  return name?.startsWith(prefixOf(database)) ?? false
}

/**
 * Ours is an entry that has our name in this database, and whose command calls one of our procedures and nothing else.
 */
export async function isOurs(
  database: string,
  {name, command}: {name: string | null; command: string},
): Promise<boolean> {
  if (!hasOurName(database, name)) return false
  const calls = await callsIn(command)
  return calls.length > 0 && calls.every((call) => procedures.has(`${call.schema}.${call.name}`))
}
