/** How a recorded run ended, or that it has not. */
export const recordedStatuses = [
  'done',
  'done_late',
  'partial',
  'failed',
  'skipped',
  'interrupted',
  'running',
  'retry',
] as const
export type RecordedStatus = (typeof recordedStatuses)[number]
