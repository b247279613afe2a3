import {formatQualifiedName} from '../../db/qualified-name.js'
import {quoteLiteral} from '../../db/sql.js'
import {ago} from '../../catalog/ages.js'
import {rulesOf} from '../table-state.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {chunksBefore} from '../reach.js'
import {retentionOf, affectsData, type ProofFacts, type Subject} from './facts.js'
import {concern, type Finding} from './finding.js'
import type {TimeUnit} from '../../catalog/time.js'

/** Locks that a run takes at once, tables and foreign keys that a drop meets, and clocks that policies need. */
export function lockFindings(subject: Subject, facts: ProofFacts): Finding[] {
  return [...dropFindings(subject, facts), ...refreshFindings(subject, facts), ...clockFindings(subject, facts)]
}

function dropFindings(subject: Subject, facts: ProofFacts): Finding[] {
  const retention = retentionOf(subject)
  if (retention === null) return []
  const key = qualifiedName(subject.table)
  const native = retention.rule.by === 'timescaledb'
  const effectiveFrom = affectsData(subject, retention.after, facts)
  const findings: Finding[] = []
  const cutoff = ago(subject.clock, retention.after)
  const chunksToDrop = cutoff === null ? 0 : chunksBefore(subject.table, cutoff).length
  // A chunk, its indexes and TOAST, and the same of its compressed half.
  const needed = chunksToDrop * (subject.indexes + 6)
  if (native && needed > facts.lockSpace / 2)
    findings.push({
      id: `locks:${key}`,
      level: 'unsafe',
      object: key,
      effectiveFrom: facts.at,
      policies: [concern(key, 'retention')],
      message: `the first run of the retention of ${key} drops ${chunksToDrop} chunks in one transaction and needs about ${needed} locks of the ${facts.lockSpace} that there are: it would fail with "out of shared memory", each time`,
      safe: 'the gated retention (native: false): one chunk a transaction',
    })
  if (subject.references.length > 0)
    findings.push({
      id: `foreign-keys:${key}`,
      level: native ? 'unsafe' : 'note',
      object: key,
      effectiveFrom,
      policies: [concern(key, 'retention')],
      message: native
        ? `each run of the retention of ${key} holds ACCESS EXCLUSIVE on ${subject.references.join(', ')} (foreign keys) until it has dropped everything, and waits for that without a limit: readers queue behind it`
        : `dropping a chunk of ${key} locks ${subject.references.join(', ')} (foreign keys) for a moment; a run waits half a second for it, no longer`,
      safe: native ? 'the gated retention (native: false)' : null,
    })
  // Where it has partitions of PostgreSQL, those with rows that a key leads to cannot be dropped at all.
  if (subject.referencedBy.length > 0)
    findings.push({
      id: `foreign-keys-into:${key}`,
      level: 'unsafe',
      object: key,
      effectiveFrom,
      policies: [concern(key, 'retention')],
      message: native
        ? `the first drop of a chunk of ${key} takes the foreign key ${subject.referencedBy.join(', ')} with it, for all rows, or fails at every run: TimescaleDB 2.22 drops the key with a notice only, 2.29 refuses the drop`
        : `foreign key ${subject.referencedBy.join(', ')} leads to ${key}: a drop of a chunk would take the key with it, so that nothing of ${key} is dropped as long as there is one`,
      safe: `drop the foreign key, or declare no retention of ${key}`,
    })
  return findings
}

function refreshFindings(subject: Subject, facts: ProofFacts): Finding[] {
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
        id: `locks-refresh:${view}`,
        level: 'unsafe' as const,
        object: view,
        effectiveFrom: facts.at,
        policies: [concern(view, 'refresh')],
        message: `a refresh of the whole window of ${view} reads ${read} chunks of ${qualifiedName(source)} and needs about ${needed} locks of the ${facts.lockSpace} that there are`,
        safe: 'a shorter startOffset; what is older can be refreshed once, by hand, in ranges',
      },
    ]
  })
}

function chunksAfter({chunks}: Table, from: bigint | null): number {
  return from === null ? chunks.length : chunks.filter(({end}) => end === null || end > from).length
}

function clockFindings(subject: Subject, facts: ProofFacts): Finding[] {
  const {table, state} = subject
  if (table.time !== 'integer' || subject.integerNow || table.id === null) return []
  const key = qualifiedName(table)
  const own = state.policies.filter(({by}) => by === 'timescaledb')
  if (own.length === 0) return []
  return [
    {
      id: `no-clock:${key}`,
      level: 'unsafe',
      object: key,
      effectiveFrom: facts.at,
      policies: own.map(({kind}) => concern(key, kind)),
      message: `${key} has integers for times and no integer_now function: TimescaleDB takes the policy, and every run of it fails`,
      safe: nowFunction(key, table.schema, subject.clock.unit),
    },
  ]
}

/** The function as SQL, in the unit that is declared; seconds where none is. */
function nowFunction(key: string, schema: string, unit: TimeUnit | null): string {
  const name = formatQualifiedName(schema, 'integer_now')
  const perSecond = {s: '', ms: ' * 1000', us: ' * 1000000', ns: ' * 1000000000'}[unit ?? 's']
  return `create function ${name}() returns bigint language sql stable as 'select (extract(epoch from now())${perSecond})::bigint'; select set_integer_now_func(${quoteLiteral(key)}, ${quoteLiteral(name)})${unit === null ? ' (where its integers are seconds)' : ''}`
}
