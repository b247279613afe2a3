import type {JobKindName} from '../config/jobs.js'
import type {JobKind} from './kind.js'

/** Loaded when a job of the kind first runs: an idle daemon holds none of them. */
const kinds: Record<JobKindName, () => Promise<{[key: string]: unknown}>> = {
  analyze: () => import('./analyze.js'),
  compress: () => import('./compress.js'),
  maintain: () => import('./maintain.js'),
  partitions: () => import('./partitions.js'),
  'prune-history': () => import('./prune-history.js'),
  refresh: () => import('./refresh.js'),
  retain: () => import('./retain.js'),
  sql: () => import('./sql.js'),
}

export async function jobKind<Kind extends JobKindName>(kind: Kind): Promise<JobKind<Kind>> {
  const {job} = (await kinds[kind]()) as {job: JobKind<Kind>}
  return job
}
