import {timeUnitAdvice} from '../../catalog/time-unit-advice.js'
import {rowsAreVisible} from '../../db/condition.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {compareAscending} from '../../units/compare.js'
import {readChunks} from '../../catalog/read-tables.js'
import {dueState, type DueChunk} from '../../catalog/due.js'
import {readTimeRanges, type TimeRange} from '../../catalog/time-range.js'
import {goesByAge, type LivePolicy} from '../../catalog/live-policies.js'
import {refreshState} from '../../catalog/refresh-state.js'
import {readMissingPrivileges} from '../../catalog/missing-privileges.js'
import {readLockedTables} from '../../catalog/sizes.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import type {Chunk, Table} from '../../catalog/table.js'
import {instantOf} from '../../catalog/time.js'
import {gateReasons} from '../plan/gate-reasons.js'
import type {PolicyWork, WorkRequest} from './work.js'
import type {Span} from '../../catalog/span.js'
import {changedRanges, rangeText} from './refresh-gaps.js'
import {fixBy, policyProblem, type NotDone, type NotDoneCode, type PolicyProblem} from './types.js'

const codes: Record<DueChunk['why'], NotDoneCode> = {
  'never compressed': 'never_compressed',
  refilled: 'refilled',
  unordered: 'unordered',
  'not dropped': 'not_dropped',
}

/** The due work of compression and retention policies. */
export async function chunkWork({db, policy, snapshot, lateAfter, referenced}: WorkRequest): Promise<PolicyWork> {
  const {table, kind, job} = policy
  const clock = snapshot.clocks.get(table) ?? {now: null, unit: null}
  const gated = kind === 'retention' && job === null
  const chunks = gated ? withoutNewest(table.chunks) : table.chunks
  const state = dueState({...policy, table: {...table, chunks}}, clock, snapshot.at, lateAfter)
  if (state.due === null) return {due: null, notDone: null, late: state.late, overdue: []}
  const reasons =
    gated && state.late && rowsAreVisible(db.server) ? await gateReasons(db, policy, clock, referenced) : null
  const notDone = state.notDone.map(({chunk, since, why}): NotDone => {
    const name = formatQualifiedName(chunk.schema, chunk.name)
    const reason = reasons?.all ?? reasons?.byChunk.get(name) ?? {code: codes[why], why}
    return {chunk: name, range: null, since: since === null ? null : instantOf(since), ...reason}
  })
  return {due: state.due, notDone: notDone.sort(bySince), late: state.late, overdue: state.notDone}
}

interface SourceEnds {
  ends: ReadonlyMap<Table, TimeRange>
  /** The GRANT statements for sources that this role may not read. */
  missing: ReadonlyMap<Table, string>
}

/**
 * The time ranges of the sources of refresh policies, with a few queries for all of them together.
 */
async function sourceEnds(db: Database, policies: readonly LivePolicy[]): Promise<SourceEnds> {
  const sources = [...new Set(policies.flatMap(({table}) => table.aggregate?.source ?? []))]
  if (sources.length === 0) return {ends: new Map(), missing: new Map()}
  const {ends, problems} = await readTimeRanges(db, sources, readLockedTables(db))
  const refused = sources.filter((source) => problems.get(source) === 'privilege')
  return {ends, missing: await readMissingPrivileges(db, refused)}
}

/** What the work of refresh policies is compared with. */
export interface RefreshFacts {
  /** Ranges whose rows changed after they were refreshed. */
  changed: ReadonlyMap<LivePolicy, Span[]>
  /** The time ranges of the sources. */
  sources: SourceEnds
}

export async function readRefreshFacts(
  db: Database,
  policies: readonly LivePolicy[],
  snapshot: CatalogSnapshot,
): Promise<RefreshFacts> {
  const all = new Set(policies.flatMap(({table}) => table.aggregate?.source ?? []))
  // The snapshot of one table lacks the chunks of the others.
  await readChunks(
    db,
    [...all].filter((source) => source.chunks.length === 0 && !snapshot.tables.includes(source)),
  )
  const [changed, sources] = await Promise.all([changedRanges(db, policies, snapshot.clocks), sourceEnds(db, policies)])
  return {changed, sources}
}

export async function refreshWork(
  {db, policy, snapshot, lateAfter}: WorkRequest,
  {changed, sources: {ends, missing}}: RefreshFacts,
): Promise<PolicyWork> {
  const clock = snapshot.clocks.get(policy.table) ?? {now: null, unit: null}
  const state = await refreshState(db, policy, clock, snapshot.at, lateAfter, (source) => ends.get(source))
  const behind: NotDone[] =
    state.behindFrom === null
      ? []
      : [
          {
            chunk: null,
            range: rangeText({start: state.behindFrom, end: 2n ** 63n - 1n}, policy).replace(/ to the end$/, ' on'),
            since: state.since === null ? null : instantOf(state.since),
            code: 'never_refreshed',
            why: 'never refreshed',
          },
        ]
  const source = policy.table.aggregate?.source ?? null
  const oldest = (source !== null && ends.get(source)?.oldest) || null
  // Before the first row of the source there is nothing to compute; a refresh there would lose what was computed.
  const within = (changed.get(policy) ?? []).flatMap(({start, end}) =>
    oldest !== null && end <= oldest ? [] : [{start: oldest !== null && start < oldest ? oldest : start, end}],
  )
  const middle = within.map(
    (gap): NotDone => ({
      chunk: null,
      range: rangeText(gap, policy),
      since: null,
      code: 'changed_since',
      why: 'rows changed after it was refreshed',
    }),
  )
  const notDone = [...behind, ...middle]
  // Nothing was found, but the state is not known: that does not mean that there is nothing to do.
  const grants = source === null ? undefined : missing.get(source)
  if (state.late === null && notDone.length === 0) return {due: null, notDone: null, late: null, overdue: [], grants}
  return {due: notDone.length, notDone, late: state.late, overdue: [], grants}
}

/** Why it is not known what is due for a policy, and what to do about it. */
export function unknownReason(
  {table, kind, after, createdBefore}: LivePolicy,
  snapshot: CatalogSnapshot,
  grants: string | undefined,
): PolicyProblem {
  const clock = snapshot.clocks.get(table)
  const source = table.aggregate?.source ?? null
  const unknown = (message: string): PolicyProblem => policyProblem('unknown', `not known: ${message}`)
  if (!goesByAge(kind)) return unknown('the creation of its chunks is not recorded')
  if (table.time === 'integer' && (clock?.now == null || clock.unit === null))
    return unknown(`the unit of its integer time column is not set. ${timeUnitAdvice(table)}`)
  if (table.time === 'other') return unknown('its time column is of a type without a clock')
  if (kind === 'refresh' && grants !== undefined)
    return policyProblem(
      'no_privilege',
      `not known: this role may not read ${formatQualifiedName(source!.schema, source!.name)}`,
      fixBy(grants, 'sql', 'To allow it: '),
    )
  if (kind === 'refresh')
    return unknown(
      source === null
        ? 'this role cannot see the table that it reads'
        : `the newest row of ${formatQualifiedName(source.schema, source.name)} cannot be read`,
    )
  return unknown(
    after === null && createdBefore === null ? 'its age cannot be read' : 'the ranges of its chunks cannot be read',
  )
}

/** Without the newest chunk, which a gated retention never drops. */
function withoutNewest(chunks: readonly Chunk[]): Chunk[] {
  const last = chunks.reduce<bigint | null>(
    (latest, {start}) => (start !== null && (latest === null || start > latest) ? start : latest),
    null,
  )
  return chunks.filter(({start}) => start === null || start !== last)
}

export function bySince(a: NotDone, b: NotDone): number {
  const at = ({since}: NotDone) => (since === null ? '~' : since)
  return compareAscending(at(a), at(b))
}
