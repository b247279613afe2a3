/** What makes a report of findings exit with 3: nothing, or what is as severe as this or more. */
export const failOnOptions = ['never', 'critical', 'warning', 'unknown'] as const
export type FailOn = (typeof failOnOptions)[number]
