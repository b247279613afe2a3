import type {JobKindName} from '../config/jobs.js'
import type {JobKind} from './kind.js'

/** Imported when a job of the kind first runs, so that an idle daemon does not hold them in memory. */
const kinds: Record<JobKindName, () => Promise<{[key: string]: unknown}>> = {
  analyze: () => import('./kinds/analyze.js'),
  compress: () => import('./kinds/compress.js'),
  maintain: () => import('./kinds/maintain.js'),
  partitions: () => import('./kinds/partitions.js'),
  'prune-history': () => import('./kinds/prune-history.js'),
  refresh: () => import('./kinds/refresh.js'),
  retain: () => import('./kinds/retain.js'),
  snapshot: () => import('./kinds/snapshot.js'),
  sql: () => import('./kinds/sql.js'),
}

/** Those that are imported: an import of a module that is in memory takes 30 microseconds, a tenth of a run. */
const loaded = new Map<JobKindName, unknown>()

export async function jobKind<Kind extends JobKindName>(kind: Kind): Promise<JobKind<Kind>> {
  if (!loaded.has(kind)) loaded.set(kind, (await kinds[kind]()).job)
  return loaded.get(kind) as JobKind<Kind>
}
