import {boundText, type TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {readChildren} from '../partitions/children.js'
import type {Step} from '../run/step.js'
import {relationOf, type Inventory} from './inventory.js'
import {setsOf} from './own-periods.js'
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
export interface Slice {
  /** Text of the time column; null means unbounded. */
  from: string | null
  to: string | null
  bytes: number
}

/** A hypertable in slices, which cover all times: rows of a chunk that is created later are copied too. */
export async function slicesOfHypertable(db: Database, inventory: Inventory, key: TimeKey): Promise<Slice[]> {
  const chunks = await db.query<ChunkRow>(statement(loadSql('adopt/chunks'), [inventory.schema, inventory.table]))
  return slicesOf(chunks, key)
}

/** A set in slices that begin where its partitions do, so that each is read once, whatever indexes it has. */
export async function slicesOfSet(db: Database, {relation}: Source, key: TimeKey): Promise<Slice[]> {
  const children = await readChildren(db, await setsOf(db, relation, key), true)
  const ranges = children.filter(({range}) => range !== null && range.lowerText !== 'MINVALUE')
  return between(ranges.map(({range, bytes}) => ({from: range!.lowerText, bytes: bytes ?? 0})))
}

/**
 * Steps that copy slices of time.
 * @param copiedTo the bound that an earlier run reached; `*` if everything is copied
 */
export function copySlices(
  inventory: Inventory,
  staging: Staging,
  slices: readonly Slice[],
  copiedTo: string | null,
): Step[] {
  if (copiedTo === '*') return []
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
  return between(parts)
}

function between(parts: readonly {from: string; bytes: number}[]): Slice[] {
  // A date has no parts of a day, and sets of two levels have equal ranges: equal bounds would be a slice without rows.
  const distinct = parts.filter(({from}, n) => n === 0 || from !== parts[n - 1]!.from)
  if (distinct.length === 0) return [{from: null, to: null, bytes: 0}]
  return distinct.map(({from, bytes}, n) => ({from: n === 0 ? null : from, to: distinct[n + 1]?.from ?? null, bytes}))
}
