import {durationInWords} from '../../units/duration.js'
import type {Offset} from '../live-policies.js'
import type {TableState, LiveRule} from './state.js'
import type {Declared, PolicyKind} from './declared.js'
import type {RuleText} from './status-types.js'

/** A declaration of one kind as it is reported; null: nothing is declared. */
export function declaredText(declared: Declared | undefined, kind: PolicyKind): RuleText | 'none' | null {
  const its = declared?.[kind]
  if (its === undefined || its === 'none') return its ?? null
  if ('startOffset' in its) return {startOffset: durationInWords(its.startOffset), endOffset: durationInWords(its.endOffset), every: durationInWords(its.every)}
  if ('native' in its) return {after: durationInWords(its.after), native: its.native}
  return {after: durationInWords(its.after), segmentBy: its.segmentBy, orderBy: its.orderBy}
}

/** The same of a live policy; integers stand as they are. */
export function liveText(rule: LiveRule, {compression}: TableState): RuleText {
  const {kind, after, createdBefore, startOffset, endOffset, schedule, gate} = rule
  const every = schedule === null ? null : durationInWords(schedule)
  if (kind === 'refresh') return {startOffset: text(startOffset), endOffset: text(endOffset), every}
  const age: RuleText = {after: text(after), ...(createdBefore === null ? {} : {createdBefore: durationInWords(createdBefore)}), every}
  if (kind === 'compression') return {...age, segmentBy: compression?.segmentBy ?? null, orderBy: compression?.orderBy ?? null}
  return {...age, native: rule.by === 'timescaledb', ...(gate === null ? {} : {maxDropPerRun: gate.maxDropPerRun, agreed: gate.agreed})}
}

function text(offset: Offset | null): string | null {
  return offset === null ? null : typeof offset === 'bigint' ? String(offset) : durationInWords(offset)
}
