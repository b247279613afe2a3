import type {Database} from '../db/database.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {readCoverage, type Coverage} from '../aggregates/coverage.js'
import {refreshSteps} from '../aggregates/refresh.js'
import {merge, overlaps, rangeFlags, spanWords, subtract, type Span} from '../catalog/span.js'
import {subjectOf} from '../aggregates/plan-refresh.js'
import {planWindows} from '../aggregates/windows.js'
import type {DropRequest} from './drop-request.js'
import type {DropRange} from './drop-steps.js'
import {command} from '../units/command.js'

/**
 * Returns the coverage of ranges in the aggregates over the table.
 * @param refreshPlanned steps that refresh the aggregates are planned
 * @throws OpsError NOT_COVERED if something is not covered, and neither `refreshPlanned` nor `acceptLoss` is set
 */
export async function requireCoverage(
  db: Database,
  request: DropRequest,
  ranges: readonly DropRange[],
  refreshPlanned: boolean,
): Promise<Coverage[]> {
  const coverage = await coverageOf(db, request, ranges)
  const missing = coverage.filter(({gaps}) => gaps.length > 0)
  if (missing.length === 0 || refreshPlanned || request.acceptLoss) return coverage
  const computable = missing.filter(
    (each) => !each.blind && each.folded.length === 0 && each.lost.length === 0 && each.notCompared === null,
  )
  throw notCovered(
    request.table,
    missing.map((each) => gapWords(request.table, each)),
    [
      ...(computable.length === missing.length ? ['--refresh-first refreshes the aggregates before the drop.'] : []),
      ...computable
        .slice(0, 1)
        .map((each) => `Or refresh it yourself: ${refreshCommand(request.table, each, each.gaps)}`),
      ...missing
        .filter(({lost}) => lost.length > 0)
        .slice(0, 1)
        .map(
          (each) =>
            'To compute the bucket from the rows that are left: ' +
            `${refreshCommand(request.table, each, each.lost, true)}`,
        ),
      '--accept-loss drops the rows although they are not computed; the aggregates keep what they have.',
    ],
  )
}

function coverageOf(db: Database, request: DropRequest, ranges: readonly DropRange[]): Promise<Coverage[]> {
  const spans = ranges.map(({span}) => span)
  return readCoverage(db, {...request, spans, present: request.clock.now, compareRows: true})
}

function refreshCommand({time}: Table, {schema, view}: Coverage, gaps: readonly Span[], acceptLoss = false): string {
  return command('aggregates refresh', [qualifiedName({schema, name: view})], {
    ...rangeFlags(gaps, time),
    ...(acceptLoss && {'accept-loss': true}),
  })
}

/**
 * The refresh steps that must precede the drop of some ranges, lower aggregates first, and the aggregates they change.
 * @throws OpsError NOT_COVERED if a refresh cannot cover everything
 */
export async function coverFirst(
  db: Database,
  request: DropRequest,
  ranges: readonly DropRange[],
): Promise<{steps: Step[]; tables: string[]}> {
  const {table, tables, clock} = request
  if (clock.now === null)
    throw usageError('NO_CLOCK', `${qualifiedName(table)} has no clock, so it is not known which buckets are complete.`)
  const coverage = await coverageOf(db, request, ranges)
  const steps: Step[] = []
  const touched: string[] = []
  const impossible: string[] = []
  const computed = new Map<Table, Span[]>()
  for (const each of coverage) {
    const aggregate = each.aggregate ?? ownTable(tables, each)
    if (aggregate === null) {
      if (each.gaps.length > 0) impossible.push(gapWords(table, each))
      continue
    }
    const subject = subjectOf(aggregate)
    // Refreshing the source makes the same range of this aggregate pending.
    const below = computed.get(subject.source) ?? []
    if (each.gaps.length === 0 && below.length === 0) continue
    const {windows, left} = await planWindows(db, subject, {
      spans: [...each.gaps, ...below],
      regardless: below,
      present: clock.now,
      acceptLoss: false,
      compareRows: each.differing.length > 0,
    })
    const lacking = subtract(each.gaps, windows)
    if (lacking.length > 0) {
      const why = new Set(
        left.filter(({span}) => lacking.some((gap) => overlaps(gap, span))).map((one) => reasons[one.why]),
      )
      impossible.push(`${gapWords(table, {...each, gaps: lacking})}: ${[...why].join(', ') || 'it cannot be computed'}`)
    }
    computed.set(aggregate, windows)
    touched.push(qualifiedName(aggregate))
    steps.push(...(await refreshSteps(db, subject, windows, dependsOn(steps, subject.source), false)))
  }
  if (impossible.length === 0) return {steps, tables: touched}
  throw notCovered(table, impossible, ['--accept-loss drops it anyway; the aggregates keep what they have.'])
}

const foldWords =
  'a chunk begins or ends inside an hour that a clock change repeats, and time_bucket with a time zone mixes the ' +
  'rows of both hours before TimescaleDB 2.25'

const reasons = {
  gone: 'some rows of its buckets are gone, and a refresh would lose what was computed from them',
  incomplete: 'its bucket is not complete yet',
  'clock set back': foldWords,
  'broken off': 'the range of an interrupted refresh there includes rows that are gone',
} as const

function dependsOn(steps: readonly Step[], source: Table): string[] {
  return steps.filter(({object}) => object === qualifiedName(source)).map(({id}) => id)
}

function ownTable(tables: readonly Table[], {schema, view}: Coverage): Table | null {
  return (
    tables.find(
      (each) => each.kind === 'aggregate' && each.id === null && each.schema === schema && each.name === view,
    ) ?? null
  )
}

/** What an aggregate has not computed of a range, and why it may not be able to. */
export function gapWords(table: Table, each: Coverage): string {
  const {schema, view, gaps} = each
  const shown = merge(gaps)
  const words = shown
    .slice(0, 3)
    .map((gap) => spanWords(gap, table.time))
    .join(', ')
  return (
    `${qualifiedName({schema, name: view})} has not covered ` +
    `${words}${shown.length > 3 ? ` and ${shown.length - 3} more ranges` : ''}${whyNot(each)}`
  )
}

function whyNot({blind, folded, lost, differing, notCompared, gaps}: Coverage): string {
  if (blind) return ': it reads changes from the WAL at its next refresh, so it is not known what changed since'
  if (folded.length > 0) return `: ${foldWords}`
  if (notCompared !== null)
    return `: TimescaleDB's log cannot be relied on (its issue 10296), and its rows cannot be compared: ${notCompared}`
  if (lost.length === 0 && differing.length > 0 && differing.length === gaps.length)
    return ': its result differs from the rows, although TimescaleDB recorded no change (its issue 10296)'
  return lost.length > 0
    ? ': rows of the bucket were dropped before, so a refresh would lose what was computed from them'
    : ''
}

function notCovered(table: Table, missing: readonly string[], suggestions: readonly string[]): OpsError {
  return new OpsError(
    'NOT_COVERED',
    `The drop would lose rows of ${qualifiedName(table)} that an aggregate has not computed; nothing was ` +
      `dropped.\n${missing.join('\n')}`,
    {
      exit: ExitCode.refused,
      suggestions,
    },
  )
}
