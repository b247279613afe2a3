import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Declared} from '../declared/declared.js'
import {kindNamed} from '../kinds/index.js'
import type {RuleText} from './types.js'
import type {LiveRule, TableState} from '../table-state.js'

/** The declared rule of one kind in reports; null if none is declared. */
export function declaredText(declared: Declared | undefined, kind: PolicyKindName): RuleText | 'none' | null {
  const rule = declared?.[kind]
  if (rule === undefined || rule === 'none') return rule ?? null
  return kindNamed(kind).ruleText(rule)
}

/** A live rule in reports. */
export function liveText(rule: LiveRule, state: TableState): RuleText {
  return kindNamed(rule.kind).liveText(rule, state)
}
