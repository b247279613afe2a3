import {formatBytes} from '../../units/bytes.js'
import {rulesOf} from '../table-state.js'
import {has, qualifiedName} from '../../catalog/table.js'
import {offsetInWords} from '../offsets.js'
import {directOver} from './aggregates.js'
import {
  chunkLength,
  least,
  most,
  affectsData,
  retentionOf,
  roundLength,
  words,
  type ProofFacts,
  type Subject,
} from './facts.js'
import {concern, type Finding} from './finding.js'

/** How long chunks are, against what is kept and what the server caches. */
export function chunkFindings(subject: Subject, facts: ProofFacts): Finding[] {
  const key = qualifiedName(subject.table)
  const length = chunkLength(subject)
  const findings: Finding[] = []
  const retention = retentionOf(subject)
  if (length !== null && retention !== null && 2n * length > least(retention.after))
    findings.push({
      id: `coarse-chunks:${key}`,
      level: 'unsafe',
      object: key,
      effectiveFrom: affectsData(subject, retention.after, facts),
      policies: [concern(key, 'retention'), concern(key, 'chunk interval')],
      message: `${key} keeps ${offsetInWords(retention.rule.after ?? retention.rule.createdBefore)} in chunks of ${words(length, subject)}, and a chunk goes as a whole: rows stay for up to ${words(least(retention.after) + length, subject)}`,
      safe: `chunkInterval: ${roundLength(least(retention.after) / 4n, subject)}`,
    })
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
        safe: `chunkInterval: ${roundLength(BigInt(Math.floor(share / subject.bytesPerPoint)), subject)}`,
      })
  }
  return findings
}

/** Compression against what is still read, still written, and dropped anyway. */
export function compressionFindings(subject: Subject, facts: ProofFacts): Finding[] {
  const key = qualifiedName(subject.table)
  const rule = rulesOf(subject.state, 'compression').find(({after}) => after !== null)
  if (rule?.after == null) return []
  const {after} = rule
  const age = offsetInWords(after)
  const findings: Finding[] = []
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
          message: `${key} is compressed after ${age}, and the refresh of ${view} still waits for rows of the last ${offsetInWords(startOffset)}: late rows go into compressed chunks, and each refresh reads them from there`,
          safe: `compression: { after: ${words(most(startOffset), subject)} }`,
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
      safe: 'a longer `after` where that goes on',
    })
  const retention = retentionOf(subject)
  if (retention !== null && least(retention.after) <= least(after))
    findings.push({
      id: `compressed-in-vain:${key}`,
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [concern(key, 'compression'), concern(key, 'retention')],
      message: `${key} is compressed after ${age} and dropped after ${offsetInWords(retention.rule.after ?? retention.rule.createdBefore)}: nothing of it is ever compressed`,
      safe: null,
    })
  return findings
}
