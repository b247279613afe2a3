import {formatQualifiedName} from '../../db/qualified-name.js'
import {wrap} from './table.js'
import {instantInWords, plural} from './words.js'

/** What is to be known of a plan of policies beside its steps. */
export interface PolicyRemarks {
  cutoffs: readonly {key: string; cutoff: string | null; chunks: readonly unknown[]}[]
  findings: readonly {
    id: string
    message: string
    effectiveFrom: string | null
    safe: string | null
    refuses: boolean
  }[]
  unmanaged: readonly {schema: string; table: string; kind: string; rule: string}[]
  notes: readonly string[]
}

/** Without the findings that refuse the plan: the error that they end in has them. */
export function withoutRefusing<F extends {refuses: boolean}>(findings: readonly F[]): F[] {
  return findings.filter(({refuses}) => !refuses)
}

/** What a retention reaches, which policies conflict (`!` where that refuses the plan), what is left alone, and notes. */
export function policyRemarks({cutoffs, findings, unmanaged, notes}: PolicyRemarks, width: number | null): string[] {
  return [
    ...cutoffs.map(({key, cutoff, chunks}) =>
      marked(
        ' ',
        `${key}: older than ${cutoff === null ? 'unknown' : instantInWords(cutoff)}, ${plural(chunks.length, 'chunk')} there by now`,
        width,
      ),
    ),
    ...findings.flatMap(({id, message, effectiveFrom, safe, refuses}) => [
      marked(
        refuses ? '!' : ' ',
        `${message}.${effectiveFrom === null ? '' : ` From ${effectiveFrom.slice(0, 10)}.`} [${id}]`,
        width,
      ),
      ...(safe === null
        ? []
        : [`    ${wrap(`Safe: ${safe}`, width === null ? null : width - 4).replaceAll('\n', '\n    ')}`]),
    ]),
    ...unmanaged.map(({schema, table, kind, rule}) =>
      marked('*', `${formatQualifiedName(schema, table)} ${kind} (${rule}) is not declared: left alone`, width),
    ),
    ...notes.map((note) => marked(' ', note, width)),
  ]
}

/** A sentence behind its mark; what follows stands under its beginning. */
export function marked(mark: ' ' | '!' | '*', text: string, width: number | null): string {
  return `${mark} ${wrap(text, width === null ? null : width - 2)}`
}
