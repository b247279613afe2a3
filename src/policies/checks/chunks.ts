import {formatBytes} from '../../units/bytes.js'
import {rulesOf} from '../table-state.js'
import {has, qualifiedName} from '../../catalog/table.js'
import {fromMicros, type TimeUnit} from '../../catalog/time.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {directOver} from './aggregates.js'
import {
  chunkLength,
  least,
  most,
  affectsData,
  firstDrop,
  retentionOf,
  retentionWords,
  roundLength,
  words,
  type ProofFacts,
  type Retention,
  type CheckSubject,
} from './facts.js'
import {concern, type CheckFinding} from './finding.js'

/** How long chunks are, against what is kept and what the server caches. */
export function chunkFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const length = chunkLength(subject)
  const findings: CheckFinding[] = []
  const retention = retentionOf(subject)
  if (length !== null && retention !== null) findings.push(...coarseChunks(subject, length, retention, facts))
  if (length !== null && subject.bytesPerPoint !== null && facts.cache > 0) {
    const bytes = Number(length) * subject.bytesPerPoint
    const share = facts.cache / 4
    if (bytes > share)
      findings.push({
        id: `chunk-memory:${key}`,
        level: 'unsafe',
        object: key,
        effectiveFrom: facts.at,
        policies: [concern(key, 'chunk interval')],
        message: `a chunk of ${words(length, subject)} of ${key} comes to ${formatBytes(Math.round(bytes))} at the pace of its newest rows, more than a quarter of the ${formatBytes(facts.cache)} that the server counts on as cache: writing slows down when its indexes do not fit`,
        suggestion: `chunkInterval: ${roundLength(BigInt(Math.floor(share / subject.bytesPerPoint)), subject)}`,
      })
  }
  return findings
}

/** A chunk goes as a whole: by the age of its rows when the last is old, by its creation whatever its rows are. */
function coarseChunks(subject: CheckSubject, length: bigint, retention: Retention, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const {after, byCreation} = retention
  const {scale} = subject.state
  // An age of creation is a length of time, and a chunk of integers only where their unit is known.
  if (byCreation && scale === 'unknown') return []
  const age = byCreation && scale !== 'time' ? fromMicros(least(after), scale as TimeUnit) : least(after)
  if (byCreation ? length < age : 2n * length <= age) return []
  const kept = retentionWords(retention, subject)
  return [
    {
      id: `coarse-chunks:${key}`,
      level: 'unsafe',
      object: key,
      effectiveFrom: firstDrop(subject, retention, facts),
      policies: [concern(key, 'retention'), concern(key, 'chunk interval')],
      message: byCreation
        ? `${key} keeps a chunk for ${kept}, and rows come into a chunk of ${words(length, subject)} for that long: they are dropped while they are new`
        : `${key} keeps ${kept} in chunks of ${words(length, subject)}, and a chunk goes as a whole: rows stay for up to ${words(age + length, subject)}`,
      suggestion: `chunkInterval: ${roundLength(age / 4n, subject)}`,
    },
  ]
}

/** Compression against what is still read, still written, and dropped anyway. */
export function compressionFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const rule = rulesOf(subject.state, 'compression').find(({after}) => after !== null)
  if (rule?.after == null) return []
  const {after} = rule
  const age = offsetInWords(after, subject.state.scale)
  const findings: CheckFinding[] = []
  for (const over of directOver(subject, facts)) {
    const view = qualifiedName(over.table)
    for (const {startOffset} of rulesOf(over.state, 'refresh'))
      if (startOffset !== null && least(after) < most(startOffset))
        findings.push({
          id: `compressed-under-refresh:${view}`,
          level: 'unsafe',
          object: key,
          effectiveFrom: affectsData(subject, after, facts),
          policies: [concern(key, 'compression'), concern(view, 'refresh')],
          message: `${key} is compressed after ${age}, and the refresh of ${view} still waits for rows of the last ${offsetInWords(startOffset, subject.state.scale)}: late rows go into compressed chunks, and each refresh reads them from there`,
          suggestion: `compression: { after: ${words(most(startOffset), subject)} }`,
        })
  }
  const refilled = subject.table.chunks.filter(({status}) => has(status, 'compressed') && has(status, 'partial')).length
  if (refilled > 0)
    findings.push({
      id: `late-rows:${key}`,
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [concern(key, 'compression')],
      message: `${refilled} compressed chunk${refilled === 1 ? '' : 's'} of ${key} got rows afterwards: they come later than ${age}, or were filled in`,
      suggestion: 'a longer `after` where that goes on',
    })
  const retention = retentionOf(subject)
  if (retention !== null && !retention.byCreation && least(retention.after) <= least(after))
    findings.push({
      id: `compressed-in-vain:${key}`,
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [concern(key, 'compression'), concern(key, 'retention')],
      message: `${key} is compressed after ${age} and dropped after ${retentionWords(retention, subject)}: nothing of it is ever compressed`,
      suggestion: null,
    })
  return findings
}
