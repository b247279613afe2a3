import {durationInWords} from '../units/duration.js'
import type {Offset} from '../catalog/live-policies.js'
import {offsetInWords} from '../catalog/offset-words.js'
import type {TableState, LiveRule} from './table-state.js'
import type {Declared, PolicyKind} from './declared.js'
import type {RuleText} from './status-types.js'

/** A declaration of one kind as it is reported; null: nothing is declared. */
export function declaredText(declared: Declared | undefined, kind: PolicyKind): RuleText | 'none' | null {
  const rule = declared?.[kind]
  if (rule === undefined || rule === 'none') return rule ?? null
  if ('startOffset' in rule)
    return {
      startOffset: durationInWords(rule.startOffset),
      endOffset: durationInWords(rule.endOffset),
      every: durationInWords(rule.every),
    }
  if ('native' in rule) return {after: durationInWords(rule.after), native: rule.native}
  return {after: durationInWords(rule.after), segmentBy: rule.segmentBy, orderBy: rule.orderBy}
}

/** The same of a live policy. */
export function liveText(rule: LiveRule, {compression, scale}: TableState): RuleText {
  const text = (offset: Offset | null) => (offset === null ? null : offsetInWords(offset, scale))
  const {kind, after, createdBefore, startOffset, endOffset, schedule, gate} = rule
  const every = schedule === null ? null : durationInWords(schedule)
  if (kind === 'refresh') return {startOffset: text(startOffset), endOffset: text(endOffset), every}
  const age: RuleText = {
    after: text(after),
    ...(createdBefore === null ? {} : {createdBefore: durationInWords(createdBefore)}),
    every,
  }
  if (kind === 'compression')
    return {...age, segmentBy: compression?.segmentBy ?? null, orderBy: compression?.orderBy ?? null}
  return {
    ...age,
    native: rule.by === 'timescaledb',
    ...(gate === null ? {} : {maxDropPerRun: gate.maxDropPerRun, consentValid: gate.consentValid}),
  }
}
