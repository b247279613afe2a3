import {formatQualifiedName} from '../../db/qualified-name.js'
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
    ...findings.flatMap(({id, message, effectiveFrom, suggestion, refuses}) => [
      note(
        `${message}.${effectiveFrom === null ? '' : ` From ${effectiveFrom.slice(0, 10)}.`} [${id}]`,
        refuses ? '!' : ' ',
      ),
      ...(suggestion === null ? [] : [note(`  Safe: ${suggestion}`, ' ')]),
    ]),
    ...unmanaged.map(({schema, table, kind, rule}) =>
      note(`${formatQualifiedName(schema, table)} ${kind} (${rule}) is not declared: not changed`, '*'),
    ),
    ...notes.map((text) => note(text, ' ')),
  ]
}
