/** What runs without any configuration, with its schedule: on declared tables only. */
export const defaultSchedules = {
  maintain: '0 2 * * *',
  refresh: '5 * * * *',
  retain: '30 2 * * *',
  partitions: '@daily',
  'prune-history': '@weekly',
} as const
