import {formatQualifiedName} from '../../db/qualified-name.js'
import {command} from '../../units/command.js'
import {note, type Line} from './shown.js'
import {instantInWords, plural} from './words.js'

/** What a plan of policies reports in addition to its steps. */
export interface PolicyRemarks {
  cutoffs: readonly {key: string; unit: 'chunk' | 'partition'; cutoff: string | null; chunks: readonly unknown[]}[]
  findings: readonly {
    id: string
    message: string
    effectiveFrom: string | null
    suggestion: string | null
    refuses: boolean
  }[]
  unmanaged: readonly {schema: string; table: string; kind: string; rule: string}[]
  notes: readonly string[]
}

/** Omits the findings that refuse the plan: the resulting error lists them. */
export function withoutRefusing<F extends {refuses: boolean}>(findings: readonly F[]): F[] {
  return findings.filter(({refuses}) => !refuses)
}

/** The cutoffs of retentions, conflicting policies (`!` if one refuses the plan), unmanaged policies, and notes. */
export function policyRemarks({cutoffs, findings, unmanaged, notes}: PolicyRemarks): Line[] {
  return [
    ...cutoffs.map(({key, unit, cutoff, chunks}) =>
      note(
        cutoff === null
          ? `${key}: the age of its ${unit}s is not known, so it is not known which are dropped`
          : `${key}: older than ${instantInWords(cutoff)}, ${plural(chunks.length, unit)} now`,
        ' ',
      ),
    ),
    ...alike(findings).flatMap(([{id, message, effectiveFrom, suggestion, refuses}, others]) => [
      note(
        `${message}.${effectiveFrom === null ? '' : ` From ${effectiveFrom.slice(0, 10)}.`} [${id}]`,
        refuses ? '!' : ' ',
      ),
      ...(suggestion === null ? [] : [note(`  Safe: ${suggestion}`, ' ')]),
      ...(others.length === 0 ? [] : [note(`  The same for ${others.map(objectOf).join(', ')}.`, ' ')]),
    ]),
    ...unmanagedLines(unmanaged),
    ...notes.map((text) => note(text, ' ')),
  ]
}

type RemarkFinding = PolicyRemarks['findings'][number]

/** The table of a finding's id, `ungated:desk_b.quotes`. */
const objectOf = ({id}: RemarkFinding) => id.slice(id.indexOf(':') + 1)

/**
 * The first of each kind of findings that differ only in their table and job, with the others. A finding that refuses
 * the plan is alone, because it must be accepted by its own id.
 */
function alike(findings: readonly RemarkFinding[]): [first: RemarkFinding, others: RemarkFinding[]][] {
  const groups = new Map<string, [RemarkFinding, RemarkFinding[]]>()
  for (const finding of findings) {
    const {id, refuses} = finding
    const general = (text: string | null) => text?.replaceAll(objectOf(finding), '').replace(/\(job \d+\)/, '')
    const {message, effectiveFrom, suggestion} = finding
    const key = refuses ? id : JSON.stringify([id.split(':')[0], general(message), effectiveFrom, general(suggestion)])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [finding, []])
    else group[1].push(finding)
  }
  return [...groups.values()]
}

/** More than these are counted: a database may have hundreds that are not declared. */
const mostUnmanaged = 5

function unmanagedLines(unmanaged: PolicyRemarks['unmanaged']): Line[] {
  if (unmanaged.length > mostUnmanaged)
    return [
      note(`${unmanaged.length} live policies are not declared: not changed. All: ${command('policies list')}`, '*'),
    ]
  return unmanaged.map(({schema, table, kind, rule}) =>
    note(`${formatQualifiedName(schema, table)} ${kind} (${rule}) is not declared: not changed`, '*'),
  )
}
