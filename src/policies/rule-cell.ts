import {dash} from '../units/cell-text.js'
import type {RuleText} from './status-types.js'

const tinyUnits: Record<string, string> = {
  second: 's',
  minute: 'min',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mon',
  year: 'y',
}

/** A rule in one cell: its age, or the two offsets of a refresh window. */
export function ruleCell(rule: RuleText): string {
  const {after, createdBefore, startOffset, endOffset} = rule
  if ('index' in rule) return String(rule.index ?? dash)
  if ('startOffset' in rule) return `${tiny(startOffset)}/${tiny(endOffset)}`
  return after === null && createdBefore !== undefined ? `${String(createdBefore)} old` : String(after ?? dash)
}

/** `7 days` as `7d`, where room is short. */
export function tiny(offset: RuleText[string] | undefined): string {
  return String(offset ?? 'open').replace(
    / (second|minute|hour|day|week|month|year)s?\b/g,
    (_, unit: string) => tinyUnits[unit]!,
  )
}

/** A declared rule for programs; null where nothing is declared. */
export function declaredCell(declared: RuleText | 'none' | null): string | null {
  if (declared === null || declared === 'none') return declared
  return ruleCell(declared)
}

/** A list of columns among the settings of a rule. */
export function columnsCell(value: RuleText[string] | undefined): readonly string[] | null {
  return Array.isArray(value) ? value : null
}
