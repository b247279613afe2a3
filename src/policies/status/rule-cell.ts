import type {PolicyKindName} from '../../catalog/live-policies.js'
import {kindNamed} from '../kinds/index.js'
import type {RuleText} from './types.js'

/** A rule in one cell of a table; null if there is none. */
export function ruleCell(kind: PolicyKindName, rule: RuleText | 'none' | null): string | null {
  return rule === null || rule === 'none' ? rule : kindNamed(kind).cell(rule)
}

/** A list of columns among the settings of a rule. */
export function columnsCell(value: RuleText[string] | undefined): readonly string[] | null {
  return Array.isArray(value) ? value : null
}
