import type {Cause, Explanation} from '../../doctor/why/explanation.js'
import type {EvidenceRow} from '../../doctor/why/table.js'
import {closingLine, note, type Around, type Line} from './shown.js'

/** The object, its known facts, and the likely cause. */
export interface Explained extends Explanation {
  name: string
}

const words = {true: 'nothing is late', false: 'late, missing, failed or paused', null: 'not known'} as const

export function aroundWhy(explained: readonly Explained[], remarks: readonly string[]): Around<EvidenceRow> {
  return {below: [...explained.flatMap(linesOf), ...remarks.map((text) => note(text, ' '))]}
}

function linesOf({name, ok, evidence, cause}: Explained): Line[] {
  return [
    note(`${name}: ${words[`${ok}`]}`, ok === false ? '!' : ' '),
    ...evidence.map(({topic, message}): Line => ({kind: 'people', text: `   ${topic}: ${message}`})),
    closingLine([cause === null ? 'No problem found.' : `Likely cause: ${cause.message}`], fixOf(cause)),
  ]
}

function fixOf(cause: Cause | null): string[] {
  if (cause === null || cause.fix === null) return []
  return [cause.fix.kind === 'advice' ? cause.fix.text : `Fix: ${cause.fix.text}`]
}
