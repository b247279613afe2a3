import type {Server} from '../db/server.js'
import type {CheckContext} from './context.js'
import type {Finding} from './finding.js'

/** The groups in the order in which doctor shows them; `--only` and `--skip` take them like the id of a check. */
export const groups = [
  'condition',
  'workers',
  'policies',
  'chunks',
  'aggregates',
  'indexes',
  'partitions',
  'replication',
  'settings',
  'hazards',
] as const
export type Group = (typeof groups)[number]

/**
 * One check of doctor. It only reads, waits for no lock, and reads all tables in one query, which is in sql/doctor. A
 * check that throws is one UNKNOWN line of the report.
 */
export interface Check {
  /** `group.what_is_wrong`; stable, part of the JSON contract. */
  id: `${Group}.${string}`
  /** What is true if the check passes, as a sentence. */
  passes: string
  /** What is wrong if it does not, as a phrase: `chunks with too few rows`. */
  problem: string
  /** Whether each finding is about a table: only those checks run for `doctor <table>`. */
  about: 'tables' | 'database'
  /** Whether the check makes sense on this server; if not, the report omits it. */
  applies?(server: Server): boolean
  /** @throws NotKnown if this role or this server cannot answer */
  run(context: CheckContext): Promise<Finding[]>
}

/** The group is the first part of the id. */
export function groupOf({id}: Pick<Check, 'id'>): Group {
  return id.slice(0, id.indexOf('.')) as Group
}
