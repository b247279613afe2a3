import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {usageError, type OpsError} from '../errors.js'
import type {Plan} from '../run/step.js'
import type {TableClock} from '../catalog/table-clock.js'
import {timeUnitAdvice} from '../catalog/time-unit-advice.js'
import {ago} from '../catalog/ages.js'
import type {Offset} from '../catalog/live-policies.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {refreshSteps} from './refresh.js'
import {hasRows} from './rows.js'
import {highest, lowest, merge, spanWords, type Span} from '../catalog/span.js'
import {bucketsOf, type AggregateSubject} from './subject.js'
import {planWindows, type LeftWhy, type Windows} from './windows.js'
import {command} from '../units/command.js'

/** The window of a policy: ages before now; null means open on that side. */
export interface PolicyWindow {
  startOffset: Offset | null
  endOffset: Offset | null
}

export interface RefreshRequest {
  aggregate: Table
  clock: TableClock
  /** On the aggregate's scale; null means the windows of the policies. */
  span: Span | null
  policies: readonly PolicyWindow[]
  acceptLoss: boolean
}

export interface PlannedChange {
  plan: Plan
  /** Sentences printed before the confirmation: what is skipped and why, and which policies conflict. */
  notes: string[]
}

export interface PlannedRefresh extends PlannedChange {
  /** Ranges that this version of TimescaleDB cannot refresh without a loss; their notes give the reason. */
  refused: Span[]
}

/**
 * Plans the refresh of an aggregate in bounded windows of whole buckets: only pending ranges, none whose source rows
 * are gone, and none after the last complete bucket.
 * @throws OpsError NO_RANGE, NO_CLOCK, NOT_AN_AGGREGATE
 */
export async function planRefresh(db: Database, request: RefreshRequest): Promise<PlannedRefresh> {
  const {aggregate, clock, acceptLoss} = request
  const subject = subjectOf(aggregate)
  if (clock.now === null) throw noClock(aggregate)
  const spans = request.span === null ? await policySpans(db, subject, request) : [request.span]
  const found = await planWindows(db, subject, {
    spans,
    present: clock.now,
    acceptLoss,
    compareRows: request.span !== null,
  })
  const steps = await refreshSteps(db, subject, found.windows, [], acceptLoss && found.windows.length > 0)
  const range = spans.map((span) => spanWords(span, aggregate.time)).join(', ')
  return {
    plan: {
      operation: `aggregates refresh ${qualifiedName(aggregate)}`,
      summary: `refresh ${qualifiedName(aggregate)}, ${range}`,
      cutoff: null,
      tables: [qualifiedName(aggregate)],
      locks: [],
      steps,
    },
    notes: await leftNotes(db, subject, found, merge(spans)),
    refused: merge(found.left.filter(({why}) => isRefused[why]).map(({span}) => span)),
  }
}

/** A function that names tables without their schema works in psql, and fails with the search_path of this session. */
function noClock(aggregate: Table): OpsError {
  const key = qualifiedName(aggregate)
  const integerNow = integerNowOf(aggregate)
  if (integerNow === null)
    return usageError(
      'NO_CLOCK',
      `${key} is on integer time and its unit is not known, so it is not known which buckets are complete.`,
      [timeUnitAdvice(aggregate)],
    )
  const why = integerNow.safe
    ? 'fails with search_path = pg_catalog'
    : 'is not called, because this role is a superuser and another role owns the function'
  return usageError(
    'NO_CLOCK',
    `The integer_now function of ${key}, ${formatQualifiedName(integerNow.schema, integerNow.name)}(), ${why}: ` +
      'it is not known which buckets are complete.',
    [
      integerNow.safe ? 'Write its schema before each table that the function reads.' : 'Connect as another role.',
      timeUnitAdvice(aggregate),
    ],
  )
}

function integerNowOf({integerNow, aggregate}: Table): Table['integerNow'] {
  return integerNow ?? (aggregate?.source ? integerNowOf(aggregate.source) : null)
}

/** `gone` is the answer to a range without rows too, and `incomplete` passes. */
const isRefused: Record<LeftWhy, boolean> = {
  gone: false,
  incomplete: false,
  'broken off': true,
  'clock set back': true,
}

export function subjectOf(aggregate: Table): AggregateSubject {
  const source = aggregate.aggregate?.source ?? null
  if (aggregate.kind !== 'aggregate' || source === null)
    throw usageError(
      'NOT_AN_AGGREGATE',
      `${qualifiedName(aggregate)} is ` +
        `${aggregate.kind === 'aggregate' ? 'an aggregate whose source this role cannot see' : 'not an aggregate'}.`,
      [`List the aggregates: ${command('aggregates list')}`],
    )
  return {aggregate, source}
}

/** The windows of the policies, reduced to whole buckets as TimescaleDB does when it runs one. */
async function policySpans(
  db: Database,
  subject: AggregateSubject,
  {policies, aggregate, clock}: RefreshRequest,
): Promise<Span[]> {
  if (policies.length === 0)
    throw usageError(
      'NO_RANGE',
      `${qualifiedName(aggregate)} has no refresh policy, so it is not known what to refresh.`,
      ['Give --from and --to.'],
    )
  const at = policies.flatMap(({startOffset, endOffset}) => {
    const start = startOffset === null ? lowest : ago(clock, startOffset)
    const end = endOffset === null ? clock.now : ago(clock, endOffset)
    return start !== null && end !== null && start < end ? [{start, end}] : []
  })
  const edges = await bucketsOf(
    db,
    subject,
    at.flatMap(({start, end}) => [start <= lowest ? {start: 0n, end: 0n} : {start, end: start}, {start: end, end}]),
  )
  return merge(
    at.map(({start}, index) => ({
      start: start <= lowest ? lowest : edges[index * 2]!.whole.end,
      end: edges[index * 2 + 1]!.whole.start,
    })),
  )
}

async function leftNotes(
  db: Database,
  subject: AggregateSubject,
  {left}: Windows,
  asked: readonly Span[],
): Promise<string[]> {
  const {aggregate, source} = subject
  const notes: string[] = []
  for (const {span, why} of left) {
    const words = spanWords(span, aggregate.time)
    if (why === 'gone' && (await hasRows(db, subject, span)))
      notes.push(
        `${words} is not refreshed: rows of ${qualifiedName(source)} are gone there, and a refresh would lose ` +
          'what was computed from them. --accept-loss refreshes it anyway.',
      )
    if (why === 'broken off')
      notes.push(
        db.server.materializationRanges === 'left'
          ? `${words} is not refreshed: a refresh was interrupted there before TimescaleDB was updated, and this ` +
              'version does not finish it. Refresh it with force => true, then have a superuser delete its row from ' +
              '_timescaledb_catalog.continuous_aggs_materialization_ranges.'
          : `${words} is not refreshed: TimescaleDB would also finish an interrupted refresh there, whose range ` +
              `includes rows of ${qualifiedName(source)} that are gone.`,
      )
    if (why === 'clock set back')
      notes.push(
        `${words} is not refreshed: clocks are set back there, and TimescaleDB ${db.server.timescaledb} puts the ` +
          'rows of both hours into the same buckets; refreshing a part of them would lose rows. 2.25 fixes that: ' +
          'update TimescaleDB, then refresh it with force => true.',
      )
    if (why === 'incomplete' && asked.some(({end}) => end > span.start && end < highest))
      notes.push(`${words} is not refreshed: its bucket is not complete yet.`)
  }
  return notes
}
