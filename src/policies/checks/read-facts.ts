import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {addInterval} from '../../catalog/interval.js'
import {agoFrom} from '../../catalog/ages.js'
import type {PolicyState} from '../read-state.js'
import {measureSizes} from '../../catalog/sizes.js'
import {has, qualifiedName, type Table} from '../../catalog/table.js'
import {fromMicros, microsOf} from '../../catalog/time.js'
import {readCoverage} from '../../aggregates/coverage.js'
import {merge, rangeFlags, spanOf, spanWords} from '../../catalog/span.js'
import type {Change} from '../plan/change.js'
import {chunksBefore} from '../reach.js'
import {project} from '../plan/project.js'
import {retentionOf, type ProofFacts, type CheckSubject} from './facts.js'

const nextRun = {months: 0, days: 1, seconds: 0}

/** Reads the facts for the checks: every table as it would be after the changes. */
export async function readProofFacts(
  db: Database,
  {snapshot, facts, states}: PolicyState,
  changes: readonly Change[],
): Promise<ProofFacts> {
  const [space] = await db.query<{locks: number; cache: number}>(statement(loadSql('policies/lock-space')))
  const pace = await paceOf(db, snapshot.tables, snapshot.clocks)
  const subjects = new Map<Table, CheckSubject>()
  for (const table of snapshot.tables) {
    const entry = facts.get(table)
    const state = states.get(table)
    if (entry === undefined || state === undefined) continue
    subjects.set(table, {
      table,
      state: project(state, changes),
      clock: snapshot.clocks.get(table) ?? {now: null, unit: null},
      indexes: entry.indexes.length,
      references: entry.references,
      referencedBy: entry.referencedBy,
      bytesPerPoint: pace.get(table) ?? null,
      uncovered: [],
    })
  }
  for (const change of changes) {
    const table = snapshot.tables.find((candidate) => qualifiedName(candidate) === change.key)
    const subject = table === undefined ? undefined : subjects.get(table)
    if (
      table !== undefined &&
      subject !== undefined &&
      (change.do === 'gated retention' || change.do === 'native retention')
    )
      subjects.set(table, {...subject, uncovered: await uncoveredOf(db, subject, snapshot.all)})
  }
  return {
    server: db.server,
    at: snapshot.at,
    now: microsOf(snapshot.at),
    subjects,
    lockSpace: space!.locks,
    cache: space!.cache,
  }
}

/** Ranges that the next run of the retention would drop and an aggregate has not covered. */
async function uncoveredOf(
  db: Database,
  subject: CheckSubject,
  tables: readonly Table[],
): Promise<CheckSubject['uncovered']> {
  const retention = retentionOf(subject)
  const {table, clock} = subject
  if (retention === null || clock.now === null) return []
  const then =
    clock.unit === null ? addInterval(clock.now, nextRun) : clock.now + fromMicros(86_400_000_000n, clock.unit)
  const cutoff = agoFrom(clock, then, retention.after)
  if (cutoff === null) return []
  const spans = merge(chunksBefore(table, cutoff).map(spanOf))
  const coverage = await readCoverage(db, {tables, table, spans, present: clock.now, compareRows: false})
  return coverage.flatMap(({schema, view, gaps}) => {
    const [first] = gaps
    if (first === undefined) return []
    const more = gaps.length > 1 ? ` and ${gaps.length - 1} more` : ''
    return [
      {
        aggregate: qualifiedName({schema, name: view}),
        range: `${spanWords(first, table.time)}${more}`,
        flags: rangeFlags(gaps, table.time),
      },
    ]
  })
}

/** Bytes per point of the newest complete, uncompressed range of each hypertable. */
async function paceOf(
  db: Database,
  tables: readonly Table[],
  clocks: PolicyState['snapshot']['clocks'],
): Promise<Map<Table, number>> {
  const newest = tables.flatMap((table) => {
    const now = clocks.get(table)?.now
    if (now == null || table.kind !== 'hypertable') return []
    const whole = table.chunks.filter(
      ({start, end, status, tiered}) =>
        start !== null && end !== null && end <= now && !tiered && !has(status, 'compressed'),
    )
    const last = whole.reduce<bigint | null>(
      (latest, {end}) => (latest === null || end! > latest ? end! : latest),
      null,
    )
    const chunks = whole.filter(({end}) => end === last)
    return chunks.length === 0 ? [] : [{table, chunks, length: chunks[0]!.end! - chunks[0]!.start!}]
  })
  const {bytes} = await measureSizes(
    db,
    newest.flatMap(({chunks}) => chunks.map(({relation}) => relation)),
  )
  return new Map(
    newest.map(({table, chunks, length}) => [
      table,
      chunks.reduce((sum, {relation}) => sum + (bytes.get(relation) ?? 0), 0) / Number(length),
    ]),
  )
}
