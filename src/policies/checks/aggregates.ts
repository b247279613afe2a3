import {isPlanned, rulesOf, type LiveRule} from '../table-state.js'
import {qualifiedName} from '../../catalog/table.js'
import {
  declaration,
  chunkLength,
  firstDrop,
  least,
  most,
  retentionOf,
  retentionWords,
  words,
  type ProofFacts,
  type CheckSubject,
} from './facts.js'
import {policyRef, named, type CheckFinding} from './finding.js'
import {declarationOf} from '../../catalog/declaration-line.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {command} from '../../units/command.js'

/** A retention, with what the findings about aggregates over its table need. */
interface Against {
  subject: CheckSubject
  key: string
  after: Parameters<typeof least>[0]
  /** It drops nothing that an aggregate has not covered. */
  gated: boolean
  age: string
  effectiveFrom: CheckFinding['effectiveFrom']
}

/** Checks the retention of a table against the aggregates over it, direct and indirect. */
export function aggregateFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const retention = retentionOf(subject)
  if (retention === null) return []
  const against: Against = {
    subject,
    key: qualifiedName(subject.table),
    after: retention.after,
    gated: retention.rule.by === 'qicore',
    age: retentionWords(retention, subject),
    effectiveFrom: firstDrop(subject, retention, facts),
  }
  return [
    ...dependents(subject, facts).flatMap(({subject: over, direct}) => refreshFindings(against, over, direct)),
    ...uncoveredFindings(against, facts),
  ]
}

function refreshFindings(against: Against, over: CheckSubject, direct: boolean): CheckFinding[] {
  const refreshes = rulesOf(over.state, 'refresh')
  if (refreshes.length === 0) return [neverRefreshed(against, qualifiedName(over.table))]
  if (!direct) return []
  return refreshes.flatMap((refresh) => [
    ...erasingRefresh(against, over, refresh),
    ...outrunningRetention(against, over, refresh),
  ])
}

/** A compression policy that TimescaleDB refuses to make before the aggregate has a refresh policy. */
export function refreshFirst({table, state}: CheckSubject, facts: ProofFacts): CheckFinding[] {
  if (table.kind !== 'aggregate' || !facts.server.compressionNeedsRefresh) return []
  const isNew = rulesOf(state, 'compression').some(({by, job}) => by === 'timescaledb' && isPlanned(job))
  if (!isNew || rulesOf(state, 'refresh').length > 0) return []
  const view = qualifiedName(table)
  return [
    {
      ...named('refresh-first', view),
      level: 'unsafe',
      object: view,
      effectiveFrom: facts.at,
      policies: [policyRef(view, 'compression'), policyRef(view, 'refresh')],
      message:
        `TimescaleDB ${facts.server.timescaledb} accepts a compression policy of an aggregate only if the aggregate ` +
        `has a refresh policy, and ${view} has none`,
      suggestion: refreshOf(view),
    },
  ]
}

function neverRefreshed({key, gated, age, effectiveFrom}: Against, view: string): CheckFinding {
  return {
    ...named('never-refreshed', view),
    level: 'unsafe',
    object: view,
    effectiveFrom,
    policies: [policyRef(key, 'retention'), policyRef(view, 'refresh')],
    message: gated
      ? `${view} reads ${key} and has no refresh policy: the retention of ${age} would never drop a chunk`
      : `${view} reads ${key} and has no refresh policy: the retention of ${age} drops rows that it has never computed`,
    suggestion: `${refreshOf(view)}, or remove the retention`,
  }
}

const refreshOf = (view: string) => declarationOf('aggregates', view, 'refresh: {startOffset, endOffset, every}')

/** A refresh whose window includes rows that the retention has dropped. */
function erasingRefresh(
  {subject, key, after, age, effectiveFrom}: Against,
  over: CheckSubject,
  {startOffset}: LiveRule,
): CheckFinding[] {
  const view = qualifiedName(over.table)
  const length = chunkLength(subject) ?? 0n
  const limit = least(after) - length
  if (startOffset !== null && most(startOffset) <= limit) return []
  return [
    {
      ...named('refresh-erases', view),
      level: 'unsafe',
      object: view,
      effectiveFrom,
      policies: [policyRef(key, 'retention'), policyRef(view, 'refresh'), policyRef(key, 'chunk interval')],
      message:
        `the refresh of ${view} reaches back ${offsetInWords(startOffset, subject.state.scale)}, ` +
        `but ${key} keeps only ${age}, in chunks of ${words(length, subject)}: ` +
        'buckets whose rows were dropped would be computed again and become empty',
      suggestion:
        limit > 0n ? `startOffset: ${words(limit, subject)}` : `retention: { after: ${words(3n * length, subject)} }`,
    },
  ]
}

/** A retention that drops rows before the aggregate has computed their bucket. */
function outrunningRetention(
  {subject, key, after, age, effectiveFrom}: Against,
  over: CheckSubject,
  {endOffset, schedule}: LiveRule,
): CheckFinding[] {
  const view = qualifiedName(over.table)
  const bucket = over.table.aggregate?.bucketWidth ?? null
  const behind =
    (endOffset === null ? 0n : most(endOffset)) +
    (bucket === null ? 0n : most(bucket)) +
    (schedule === null || over.state.scale !== 'time' ? 0n : most(schedule))
  if (least(after) >= behind) return []
  return [
    {
      ...named('retention-outruns', view),
      level: 'unsafe',
      object: view,
      effectiveFrom,
      policies: [policyRef(key, 'retention'), policyRef(view, 'refresh')],
      message:
        `${key} keeps ${age}, but ${view} computes a bucket only ${words(behind, over)} after its rows: ` +
        'they would be dropped first',
      suggestion: declaration(`retention: { after: ${words(behind * 2n, subject)} }`, subject),
    },
  ]
}

function uncoveredFindings({subject, key, gated}: Against, facts: ProofFacts): CheckFinding[] {
  return subject.uncovered.map(({aggregate, range, flags}) => ({
    ...named('uncovered', aggregate),
    level: gated ? 'note' : 'unsafe',
    object: aggregate,
    effectiveFrom: facts.at,
    policies: [policyRef(key, 'retention')],
    message: gated
      ? `${aggregate} has not covered ${range}: the retention of ${key} keeps these rows until it has`
      : `${aggregate} has not covered ${range}: the next run of the retention of ${key} would drop rows ` +
        'that the aggregate has not computed; gated retention (native: false) would keep them',
    suggestion: command('aggregates refresh', [aggregate], flags),
  }))
}

/** Checks the window of each refresh against the width of a bucket. */
export function windowFindings(over: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const bucket = over.table.aggregate?.bucketWidth ?? null
  if (bucket === null) return []
  const view = qualifiedName(over.table)
  return rulesOf(over.state, 'refresh').flatMap(({startOffset, endOffset}) => {
    if (startOffset === null || endOffset === null) return []
    const needed = most(endOffset) + 2n * most(bucket)
    if (least(startOffset) >= least(endOffset) + 2n * least(bucket)) return []
    return [
      {
        ...named('narrow-window', view),
        level: 'unsafe' as const,
        object: view,
        effectiveFrom: facts.at,
        policies: [policyRef(view, 'refresh')],
        message:
          `the refresh of ${view} reaches from ${offsetInWords(startOffset, over.state.scale)} to ` +
          `${offsetInWords(endOffset, over.state.scale)} ago: less than two buckets of ` +
          `${offsetInWords(bucket, over.state.scale)}, so a run may find no whole bucket`,
        suggestion: declaration(`startOffset: ${words(needed, over)}`, over),
      },
    ]
  })
}

/** Aggregates over a table, direct and indirect. `direct`: the aggregate reads the table itself. */
function dependents({table}: CheckSubject, {subjects}: ProofFacts): {subject: CheckSubject; direct: boolean}[] {
  const found: {subject: CheckSubject; direct: boolean}[] = []
  let sources = [table]
  for (let direct = true; sources.length > 0; direct = false) {
    const level = [...subjects.values()].filter(
      (candidate) => candidate.table.aggregate?.source != null && sources.includes(candidate.table.aggregate.source),
    )
    found.push(...level.map((subject) => ({subject, direct})))
    sources = level.map((subject) => subject.table)
  }
  return found
}

/** The aggregates that read a table directly. */
export function directOver(subject: CheckSubject, facts: ProofFacts): CheckSubject[] {
  return dependents(subject, facts)
    .filter(({direct}) => direct)
    .map((each) => each.subject)
}
