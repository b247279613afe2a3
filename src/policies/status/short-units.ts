import type {RuleText} from './types.js'

const units: Record<string, string> = {
  microsecond: 'us',
  millisecond: 'ms',
  second: 's',
  minute: 'min',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mon',
  year: 'y',
}

/** Shortens units for narrow cells: `7 days` becomes `7d`. */
export function shortUnits(offset: RuleText[string] | undefined): string {
  return String(offset ?? 'open').replace(
    / (microsecond|millisecond|second|minute|hour|day|week|month|year)s?\b/g,
    (_, unit: string) => units[unit]!,
  )
}
