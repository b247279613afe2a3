import {ago} from '../../catalog/ages.js'
import {rulesOf} from '../table-state.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {chunksToDrop, firstDrop, retentionsOf, type ProofFacts, type Retention, type CheckSubject} from './facts.js'
import {policyRef, named, type CheckFinding} from './finding.js'

/** Checks the number of locks that a run takes, and the foreign keys of and to the table. */
export function lockFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  return [
    ...retentionsOf(subject).flatMap((retention) => dropFindings(subject, retention, facts)),
    ...refreshFindings(subject, facts),
  ]
}

function dropFindings(subject: CheckSubject, retention: Retention, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const native = retention.rule.by === 'timescaledb'
  const effectiveFrom = firstDrop(subject, retention, facts)
  const findings: CheckFinding[] = []
  const first = chunksToDrop(subject, retention, facts).length
  // A chunk with indexes and TOAST, and its compressed relation with the same.
  const needed = first * (subject.indexes + 6)
  if (native && needed > facts.lockSpace / 2)
    findings.push({
      ...named('locks', key),
      level: 'unsafe',
      object: key,
      effectiveFrom: facts.at,
      policies: [policyRef(key, 'retention')],
      message:
        `the first run of the retention of ${key} drops ${first} chunks in one transaction and needs about ` +
        `${needed} locks of the ${facts.lockSpace} that the server has: every run would fail with "out of shared ` +
        'memory"',
      suggestion: 'the gated retention (native: false): one chunk a transaction',
    })
  if (subject.references.length > 0)
    findings.push({
      ...named('foreign-keys', key),
      level: native ? 'unsafe' : 'note',
      object: key,
      effectiveFrom,
      policies: [policyRef(key, 'retention')],
      message: native
        ? `each run of the retention of ${key} holds ACCESS EXCLUSIVE on ${subject.references.join(', ')} ` +
          '(foreign keys) until it has dropped everything, and waits for the locks without a timeout: readers ' +
          'queue behind it'
        : `dropping a chunk of ${key} locks ${subject.references.join(', ')} (foreign keys) for a moment; a run ` +
          'waits for these locks at most half a second',
      suggestion: native ? 'the gated retention (native: false)' : null,
    })
  // In a partitioned table, partitions with rows that a foreign key references cannot be dropped at all.
  if (subject.referencedBy.length > 0)
    findings.push({
      ...named('foreign-keys-into', key),
      level: 'unsafe',
      object: key,
      effectiveFrom,
      policies: [policyRef(key, 'retention')],
      message: native
        ? `the first drop of a chunk of ${key} also drops the foreign key ${subject.referencedBy.join(', ')}, for ` +
          'all rows, or every run fails: TimescaleDB 2.22 drops the key with a notice only, 2.29 refuses the drop'
        : `foreign key ${subject.referencedBy.join(', ')} references ${key}: dropping a chunk would also drop the ` +
          `key, so no chunk of ${key} is dropped while it exists`,
      suggestion: `drop the foreign key, or declare no retention of ${key}`,
    })
  return findings
}

function refreshFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const source = subject.table.aggregate?.source
  const reader = source == null ? undefined : facts.subjects.get(source)
  const {clock} = subject
  if (source == null || reader === undefined || clock.now === null) return []
  const view = qualifiedName(subject.table)
  return rulesOf(subject.state, 'refresh').flatMap(({startOffset}) => {
    const read = chunksAfter(source, startOffset === null ? null : ago(clock, startOffset))
    const needed = read * (reader.indexes + 2)
    if (needed <= facts.lockSpace / 2) return []
    return [
      {
        ...named('locks-refresh', view),
        level: 'unsafe' as const,
        object: view,
        effectiveFrom: facts.at,
        policies: [policyRef(view, 'refresh')],
        message:
          `a refresh of the whole window of ${view} reads ${read} chunks of ${qualifiedName(source)} and needs ` +
          `about ${needed} locks of the ${facts.lockSpace} that the server has`,
        suggestion: 'a shorter startOffset; older ranges can be refreshed once by hand',
      },
    ]
  })
}

function chunksAfter({chunks}: Table, from: bigint | null): number {
  return from === null ? chunks.length : chunks.filter(({end}) => end === null || end > from).length
}
