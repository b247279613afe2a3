import {plural} from '../../../units/plural.js'
import {approximateSeconds} from '../../../units/duration.js'
import type {LivePolicy} from '../../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../../catalog/snapshot.js'
import {microsIn, type TableClock} from '../../../catalog/table-clock.js'
import type {Table} from '../../../catalog/table.js'
import {instantOf, microsOf} from '../../../catalog/time.js'
import {formatInstant, type Instant} from '../../../units/instant.js'
import type {Check} from '../../check.js'
import type {Finding} from '../../finding.js'
import {advice, objectOf, partNoun} from '../../shared.js'

const day = 86_400_000_000n
/** A month evens out weekends and outages. */
const rateDays = 30
/** Half of the lock table: the other sessions need the rest. */
const warnShare = 0.5
/** Time enough to plan a restart. */
const warnDays = 90
/** Planning costs about 0.1 ms a chunk: at this number a statement without a condition on time plans for 0.2 s. */
const manyChunks = 2_000

interface LockRow {
  relation: number
  indexes: number
  per_transaction: number
  sessions: number
}

/** Chunks a day that the table got in the last month of its own clock; null if its ranges are not times. */
export function chunksPerDay(table: Table, clock: TableClock): number | null {
  if (clock.now === null) return null
  const now = microsIn(clock.now, table, clock)
  if (now === null) return null
  const from = now - BigInt(rateDays) * day
  const recent = table.chunks.filter(({start}) => {
    const at = start === null ? null : microsIn(start, table, clock)
    return at !== null && at >= from && at <= now
  })
  // One chunk a month or less fills no lock table.
  return recent.length < 2 ? 0 : recent.length / rateDays
}

/** Days of data that the table keeps: of its retention policy; null without one. */
function daysKept(table: Table, policies: readonly LivePolicy[]): number | null {
  const retention = policies.find((policy) => policy.table === table && policy.kind === 'retention')
  const after = retention?.after ?? retention?.createdBefore ?? null
  return after === null || typeof after === 'bigint' ? null : approximateSeconds(after) / 86_400
}

/** Locks of one statement that looks at the whole table, and when all locks of the server are not enough for it. */
export function lockFinding(
  table: Table,
  {at, policies, clocks}: CatalogSnapshot,
  {indexes, per_transaction: perTransaction, sessions}: LockRow,
): Finding | null {
  const chunks = table.chunks.filter(({tiered}) => !tiered)
  // A compressed part has one index.
  const needed = chunks.reduce((sum, {compressed}) => sum + 1 + indexes + (compressed === null ? 0 : 2), 1 + indexes)
  const locks = perTransaction * sessions
  const rate = chunksPerDay(table, clocks.get(table)!)
  const fullOn = limitDate(needed, locks, chunks.length, rate, daysKept(table, policies), at)
  if (needed < locks * warnShare && (fullOn === null || fullOn.days > warnDays)) return null
  const wanted = 2 ** Math.ceil(Math.log2(needed / (warnShare * sessions) + 1))
  const when = whenFull(needed >= locks, fullOn?.at ?? null, rate)
  return {
    severity: needed >= locks ? 'critical' : 'warning',
    object: objectOf(table),
    message:
      `A statement that looks at all of its ${plural(chunks.length, partNoun(table))} takes about ${needed} ` +
      `locks; the server has ${locks} (max_locks_per_transaction ${perTransaction} × ${sessions} sessions). ` +
      `${when}`,
    data: {chunks: chunks.length, locksNeeded: needed, locks, chunksPerDay: rate, limitOn: fullOn?.at ?? null},
    fix: advice(
      `alter system set max_locks_per_transaction = ${Math.max(wanted, perTransaction * 2)}, and restart the ` +
        'server; or fewer, longer chunks and a retention policy.',
    ),
  }
}

function whenFull(fails: boolean, on: Instant | null, rate: number | null): string {
  if (fails) return 'Such a statement fails now with "out of shared memory".'
  if (on === null) return 'The number of chunks does not grow to it.'
  return `At ${rate!.toFixed(1)} new chunks a day the limit is reached on ${formatInstant(on)}.`
}

/** Null where the number of chunks does not grow, or a retention policy keeps it below the limit. */
function limitDate(
  needed: number,
  locks: number,
  chunks: number,
  rate: number | null,
  kept: number | null,
  at: Instant,
): {at: Instant; days: number} | null {
  if (rate === null || rate === 0 || chunks === 0 || needed >= locks) return null
  const most = (locks * chunks) / needed
  if (kept !== null && kept * rate <= most) return null
  const days = (most - chunks) / rate
  const on = instantOf(microsOf(at) + BigInt(Math.floor(days)) * day)
  return on === null ? null : {at: `${on.slice(0, 10)}T00:00:00Z`, days}
}

function manyFinding(table: Table, {clocks}: CatalogSnapshot): Finding[] {
  const chunks = table.chunks.filter(({tiered}) => !tiered).length
  if (chunks < manyChunks) return []
  const rate = chunksPerDay(table, clocks.get(table)!)
  const growth = rate === null || rate === 0 ? '' : ` ${rate.toFixed(1)} are added a day.`
  return [
    {
      severity: 'warning',
      object: objectOf(table),
      message:
        `${plural(chunks, partNoun(table))}: a statement without a condition on time plans and locks all of them, ` +
        `every time.${growth}`,
      data: {chunks, chunksPerDay: rate},
      fix: advice(
        table.id === null
          ? 'Make longer periods from now on (partitions: every: month), and detach what is not needed.'
          : 'Make longer chunks from now on (set_chunk_time_interval), merge old ones (merge_chunks), or set a ' +
              'retention policy.',
      ),
    },
  ]
}

export const countChecks: readonly Check[] = [
  {
    id: 'chunks.lock_table',
    about: 'tables',
    passes: 'A statement on a whole table fits into the lock table of the server.',
    problem: 'tables with too many chunks for max_locks_per_transaction',
    async run(context) {
      const snapshot = await context.snapshot()
      const tables = snapshot.tables.filter(({chunks}) => chunks.length > 0)
      if (tables.length === 0) return []
      const rows = await context.ask<LockRow>('lock-budget', [tables.map(({relation}) => relation)])
      const byRelation = new Map(rows.map((row) => [row.relation, row]))
      return tables.flatMap((table) => {
        const row = byRelation.get(table.relation)
        return row === undefined ? [] : (lockFinding(table, snapshot, row) ?? [])
      })
    },
  },
  {
    id: 'chunks.many',
    about: 'tables',
    passes: `Every table has fewer than ${manyChunks} chunks.`,
    problem: 'tables with so many chunks that planning is slow',
    async run(context) {
      const snapshot = await context.snapshot()
      return snapshot.tables.flatMap((table) => manyFinding(table, snapshot))
    },
  },
]
