import {formatBytes} from '../../units/bytes.js'
import {rulesOf} from '../table-state.js'
import {has, qualifiedName} from '../../catalog/table.js'
import {fromMicros, type TimeUnit} from '../../catalog/time.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {directOver} from './aggregates.js'
import {
  declaration,
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
import {policyRef, named, type CheckFinding} from './finding.js'

/** Checks the chunk interval against the retention and against the server's cache. */
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
        ...named('chunk-memory', key),
        level: 'unsafe',
        object: key,
        effectiveFrom: facts.at,
        policies: [policyRef(key, 'chunk interval')],
        message:
          `a chunk of ${key} covers ${words(length, subject)} and takes ${formatBytes(Math.round(bytes))} ` +
          `at the present rate, more than a quarter of effective_cache_size (${formatBytes(facts.cache)}): ` +
          'inserts slow down if its indexes do not fit into memory',
        suggestion: declaration(
          `chunkInterval: ${roundLength(BigInt(Math.floor(share / subject.bytesPerPoint)), subject)}`,
          subject,
        ),
      })
  }
  return findings
}

/** A chunk is dropped as a whole: when its newest row is old, or by its creation regardless of its rows. */
function coarseChunks(subject: CheckSubject, length: bigint, retention: Retention, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const {after, byCreation} = retention
  const {scale} = subject.state
  // An age since creation is a duration, so the length of a chunk on integer time needs a unit to be compared.
  if (byCreation && scale === 'unknown') return []
  const age = byCreation && scale !== 'time' ? fromMicros(least(after), scale as TimeUnit) : least(after)
  if (byCreation ? length < age : 2n * length <= age) return []
  const kept = retentionWords(retention, subject)
  const partitioned = subject.table.kind === 'partitioned'
  const part = partitioned ? 'partition' : 'chunk'
  const shorter = roundLength(age / 4n, subject)
  return [
    {
      ...named('coarse-chunks', key),
      level: 'unsafe',
      object: key,
      effectiveFrom: firstDrop(subject, retention, facts),
      policies: [policyRef(key, 'retention'), policyRef(key, 'chunk interval')],
      message: byCreation
        ? `${key} keeps a chunk for ${kept}, but a chunk of ${words(length, subject)} receives rows for at least ` +
          'that long: rows are dropped while they are new'
        : `${key} keeps ${kept} in ${part}s of ${words(length, subject)}, and ${part}s are dropped whole: ` +
          `rows stay for up to ${words(age + length, subject)}`,
      suggestion: declaration(partitioned ? `partitions: { every: ${shorter} }` : `chunkInterval: ${shorter}`, subject),
    },
  ]
}

/** Checks compression against refreshes, late rows and retention. */
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
          ...named('compressed-under-refresh', view),
          level: 'unsafe',
          object: key,
          effectiveFrom: affectsData(subject, after, facts),
          policies: [policyRef(key, 'compression'), policyRef(view, 'refresh')],
          message:
            `${key} is compressed after ${age}, but the refresh of ${view} covers the last ` +
            `${offsetInWords(startOffset, subject.state.scale)}: ` +
            'late rows are inserted into compressed chunks, and each refresh must read those',
          suggestion: declaration(`compression: { after: ${words(most(startOffset), subject)} }`, subject),
        })
  }
  const refilled = subject.table.chunks.filter(({status}) => has(status, 'compressed') && has(status, 'partial')).length
  if (refilled > 0)
    findings.push({
      ...named('late-rows', key),
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [policyRef(key, 'compression')],
      message:
        `${refilled} compressed chunk${refilled === 1 ? '' : 's'} of ${key} received rows after compression: they ` +
        `are more than ${age} late, or old rows were loaded`,
      suggestion: 'a longer `after` if that continues',
    })
  const retention = retentionOf(subject)
  if (retention !== null && !retention.byCreation && least(retention.after) <= least(after))
    findings.push({
      ...named('compressed-in-vain', key),
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [policyRef(key, 'compression'), policyRef(key, 'retention')],
      message:
        `${key} is compressed after ${age} and dropped after ${retentionWords(retention, subject)}: no chunk is ` +
        'ever compressed',
      suggestion: null,
    })
  return findings
}
