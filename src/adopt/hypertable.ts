import {boundText, type TimeKey} from '../catalog/time-key.js'
import {timescaledbFunction} from '../db/server.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {relationOf, type Inventory} from './inventory.js'
import type {Refusal} from './refusals.js'
import {adoptStep} from './shadow.js'
import type {Source} from './source.js'
import type {Staging} from './staging.js'

/** Bytes of one chunk that a step copies: a larger chunk is copied in equal parts of its range. */
const bytesPerStep = 64 * 1024 * 1024

interface ChunkRow {
  start: string
  stop: string
  integer: boolean
  bytes: number
}

/** A part of a hypertable that one step copies. */
interface Slice {
  /** Text of the time column; null is no bound. */
  from: string | null
  to: string | null
  bytes: number
}

/**
 * Steps that copy a hypertable in slices of time, which cover all times: rows of a chunk that is created between the plan
 * and the first step are copied too.
 * @param copiedTo the bound that an earlier run reached; `*` if everything is copied
 */
export async function copyHypertable(
  db: Database,
  {inventory, staging, key, copiedTo}: {inventory: Inventory; staging: Staging; key: TimeKey; copiedTo: string | null},
): Promise<Step[]> {
  if (copiedTo === '*') return []
  const chunks = await db.query<ChunkRow>(statement(loadSql('adopt/chunks'), [inventory.schema, inventory.table]))
  const slices = slicesOf(chunks, key)
  const done = slices.findIndex(({from}) => from === copiedTo)
  // A bound that is none of today's, because chunks were dropped since: the rest is one slice.
  const rest = done === -1 ? [{from: copiedTo, to: null, bytes: 0}] : slices.slice(done)
  return rest.map(({from, to, bytes}) => ({
    ...adoptStep,
    id: `copy ${relationOf(inventory)} ${from === null ? 'from its beginning' : `from ${from}`}`,
    kind: 'adopt copy',
    object: relationOf(inventory),
    statements: [sql`select ${ident(staging.schema, 'copy_range')}(${from}::text, ${to}::text)`],
    lock: 'ACCESS SHARE',
    bytes,
    dependsOn: [],
    relations: [relationOf(inventory)],
  }))
}

function slicesOf(chunks: readonly ChunkRow[], key: TimeKey): Slice[] {
  const parts = chunks.flatMap(({start, stop, integer, bytes}) => {
    const [first, last] = [BigInt(start), BigInt(stop)]
    const count = BigInt(Math.max(1, Math.ceil(bytes / bytesPerStep)))
    const text = (at: bigint) => (integer ? String(at) : boundText(key, at))
    return Array.from({length: Number(count)}, (_, n) => ({
      from: text(first + ((last - first) * BigInt(n)) / count),
      bytes: Math.ceil(bytes / Number(count)),
    }))
  })
  // A date has no parts of a day: equal bounds would be a slice without rows.
  const distinct = parts.filter(({from}, n) => n === 0 || from !== parts[n - 1]!.from)
  if (distinct.length === 0) return [{from: null, to: null, bytes: 0}]
  return distinct.map(({from, bytes}, n) => ({from: n === 0 ? null : from, to: distinct[n + 1]?.from ?? null, bytes}))
}

interface HypertableRow {
  jobs: {id: number; name: string; scheduled: boolean}[]
  aggregates: {schema: string; name: string}[]
}

/** What forbids leaving TimescaleDB, and what ends with the hypertable. */
export async function leavingTimescaledb(
  db: Database,
  {schema, table, relation}: Source,
): Promise<{refusals: Refusal[]; notes: string[]}> {
  const [{jobs, aggregates}] = (await db.query<HypertableRow>(
    statement(loadSql('adopt/hypertable'), [schema, table]),
  )) as [HypertableRow]
  const dropping = jobs.filter(({name, scheduled}) => name === 'policy_retention' && scheduled)
  const alter = timescaledbFunction(db.server, 'alter_job').text
  return {
    refusals: [
      ...aggregates.map((view) => ({
        object: `continuous aggregate ${formatQualifiedName(view.schema, view.name)}`,
        reason: `it is computed from ${relation} by TimescaleDB and would not see the new set`,
        fix: `DROP MATERIALIZED VIEW ${formatQualifiedName(view.schema, view.name)}`,
      })),
      ...dropping.map(({id}) => ({
        object: `retention policy (job ${id})`,
        reason: 'it would drop chunks while they are copied and compared',
        fix: `SELECT ${alter}(${id}, scheduled => false)`,
      })),
    ],
    notes: [
      ...jobs.map(({id, name}) => `${name} (job ${id}) of TimescaleDB ends with the hypertable.`),
      'Compressed chunks are copied as ordinary rows: the new set needs the space that they need uncompressed.',
      'Changes that logical replication applies to a hypertable are not recorded, because its triggers cannot be ALWAYS.',
    ],
  }
}
