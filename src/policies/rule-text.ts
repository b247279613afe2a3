import type {PolicyKindName} from '../catalog/live-policies.js'
import type {Declared} from './declared.js'
import {kindNamed} from './kinds/index.js'
import type {RuleText} from './status-types.js'
import type {LiveRule, TableState} from './table-state.js'

/** A declaration of one kind as it is reported; null: nothing is declared. */
export function declaredText(declared: Declared | undefined, kind: PolicyKindName): RuleText | 'none' | null {
  const rule = declared?.[kind]
  if (rule === undefined || rule === 'none') return rule ?? null
  return kindNamed(kind).ruleText(rule)
}

/** The same of a live policy. */
export function liveText(rule: LiveRule, state: TableState): RuleText {
  return kindNamed(rule.kind).liveText(rule, state)
}
