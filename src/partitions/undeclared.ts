import type {PartitionRule} from './periods.js'

/** Defaults for what neither the configuration nor the definitions specify. */
export const assumed = {
  every: 'month',
  ahead: 3,
  timezone: 'UTC',
  earliest: '2009-01-03T00:00:00Z',
  within: {months: 12, days: 0, seconds: 0},
  retention: null,
  timeUnit: null,
  keyFormat: null,
} as const

/** The rule that applies to an undeclared set. */
export function undeclared(relation: string): PartitionRule {
  return {relation, ...assumed}
}
