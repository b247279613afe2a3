/**
 * What runs without any configuration, with its schedule: on declared tables only, except `snapshot`, which changes
 * none and measures every time-series table.
 */
export const defaultSchedules = {
  maintain: '0 2 * * *',
  refresh: '5 * * * *',
  retain: '30 2 * * *',
  partitions: '@daily',
  'prune-history': '@weekly',
  snapshot: '15 0 * * *',
} as const
