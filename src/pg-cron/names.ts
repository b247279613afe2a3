import {createHash} from 'node:crypto'
import {callsIn} from '../db/sql-calls.js'

/** Bytes: up to 1.4, pg_cron stores job names as PostgreSQL's type name. */
const longest = 63
const longestDatabase = 24

/** The prefix of the names of all entries that qicore-db makes for a database. */
function prefixOf(database: string): string {
  return `qicore:${shortened(database, longestDatabase)}:`
}

/** The name of an entry in pg_cron: `qicore:market:refresh:public.daily_ohlcv_summary`. */
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

/** The procedures that entries of qicore-db call. */
const procedures = new Set(
  ['maintain', 'retain', 'refresh', 'ensure_partitions', 'prune_history', 'run_sql'].map((name) => `qicore.${name}`),
).add('public.maintain_hypertables')

/**
 * Whether the name of an entry is one that qicore-db gives in this database. pg_cron stores no other attribute that
 * could mark an entry; this is the only place that reads the name.
 */
export function hasOurName(database: string, name: string | null): boolean {
  return name?.startsWith(prefixOf(database)) ?? false
}

/** Whether qicore-db made an entry: it has such a name, and its command calls only procedures of qicore-db. */
export async function isOurs(
  database: string,
  {name, command}: {name: string | null; command: string},
): Promise<boolean> {
  if (!hasOurName(database, name)) return false
  const calls = await callsIn(command)
  return calls.length > 0 && calls.every((call) => procedures.has(`${call.schema}.${call.name}`))
}
