import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import {graceOf} from '../../catalog/due.js'
import {has, type Chunk} from '../../catalog/table.js'
import {instantOf, microsOf} from '../../catalog/time.js'
import {compareAscending} from '../../units/compare.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import type {NotDone} from './types.js'
import type {PolicyWork, WorkRequest} from './work.js'

/** TimescaleDB does not reorder the two newest ranges, because they still receive rows. */
const newestLeftAlone = 2

/** Ids of the chunks that each job has rewritten, by job. */
export type Reordered = ReadonlyMap<number, ReadonlySet<number>>

export async function readReordered(db: Database, policies: readonly LivePolicy[]): Promise<Reordered> {
  const jobs = policies.flatMap(({job}) => (job === null ? [] : [job.id]))
  const done = new Map<number, Set<number>>(jobs.map((job) => [job, new Set()]))
  if (jobs.length === 0) return done
  const rows = await db.query<{job: number; chunk: number}>(statement(loadSql('policies/reordered-chunks'), [jobs]))
  for (const {job, chunk} of rows) done.get(job)?.add(chunk)
  return done
}

/**
 * Chunks that a reorder policy should have rewritten: each once, except those of the newest ranges and compressed ones.
 * A chunk is due as soon as two newer ranges have chunks.
 */
export async function reorderWork(
  {policy, snapshot, lateAfter}: WorkRequest,
  reordered: Reordered,
): Promise<PolicyWork> {
  const {table, job} = policy
  const done = job === null ? undefined : reordered.get(job.id)
  const starts = [...new Set(table.chunks.flatMap(({start}) => (start === null ? [] : [start])))].sort(compareAscending)
  const last = starts.at(-1 - newestLeftAlone)
  const before = last === undefined ? [] : table.chunks.filter(({start}) => start !== null && start <= last)
  const candidates = before.filter(
    ({status, tiered}) => !has(status, 'compressed') && !has(status, 'frozen') && !tiered,
  )
  const open = candidates.filter(({id}) => !done?.has(id ?? -1))
  const notDone = open.map((chunk): NotDone => {
    const since = dueSince(chunk, table.chunks, starts)
    const name = formatQualifiedName(chunk.schema, chunk.name)
    return {
      chunk: name,
      range: null,
      since: since === null ? null : instantOf(since),
      code: 'not_reordered',
      why: 'not reordered',
    }
  })
  const lateBefore = microsOf(snapshot.at) - graceOf(policy, lateAfter)
  const known = notDone.every(({since}) => since !== null)
  const late = notDone.some(({since}) => since !== null && microsOf(since) < lateBefore)
  return {due: candidates.length, notDone, late: late || (known ? false : null), overdue: []}
}

/** Since when a chunk is due: since the second newer range has a chunk; null if creations are not recorded. */
function dueSince(chunk: Chunk, chunks: readonly Chunk[], starts: readonly bigint[]): bigint | null {
  const after = starts[starts.indexOf(chunk.start!) + newestLeftAlone]
  const created = chunks
    .filter(({start, createdAt}) => start === after && createdAt !== null)
    .map(({createdAt}) => microsOf(createdAt!))
  const own = chunk.createdAt === null ? null : microsOf(chunk.createdAt)
  if (created.length === 0 || own === null) return null
  const first = created.reduce((least, each) => (each < least ? each : least))
  return own > first ? own : first
}
