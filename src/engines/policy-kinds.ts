/**
 * Every kind of policy of TimescaleDB's scheduler, in the order in which reports show them: the procedure of its jobs,
 * whether it depends on the age of rows (then the table needs a clock), and the codes of work that it has not done.
 */
const kinds = {
  compression: {
    procedure: 'policy_compression',
    byAge: true,
    undone: ['never_compressed', 'refilled', 'unordered'],
  },
  retention: {
    procedure: 'policy_retention',
    byAge: true,
    // With stages a partition is detached, moved and exported before it is dropped.
    undone: ['not_dropped', 'not_detached', 'not_moved', 'not_exported'],
  },
  refresh: {
    procedure: 'policy_refresh_continuous_aggregate',
    byAge: true,
    undone: ['never_refreshed', 'changed_since'],
  },
  reorder: {procedure: 'policy_reorder', byAge: false, undone: ['not_reordered']},
} as const

export type PolicyKindName = keyof typeof kinds
export type UndoneCode = (typeof kinds)[PolicyKindName]['undone'][number]

export const policyKindNames = Object.keys(kinds) as readonly PolicyKindName[]
/** Procedures of TimescaleDB's own policies. */
export const policyProcedures: readonly string[] = Object.values(kinds).map(({procedure}) => procedure)

export function goesByAge(kind: PolicyKindName): boolean {
  return kinds[kind].byAge
}

/** Whether the code means work that a policy has not done, rather than work that something prevents. */
export function isUndone(code: string): code is UndoneCode {
  return Object.values(kinds).some(({undone}) => (undone as readonly string[]).includes(code))
}
