import type {JobKindName} from '../config/jobs.js'
import type {JobKind} from './kind.js'

/** Loaded when a job of the kind first runs: an idle daemon holds none of them. */
const kinds: {[Kind in JobKindName]?: () => Promise<{[key: string]: unknown}>} = {
  analyze: () => import('./analyze.js'),
  sql: () => import('./sql.js'),
}

export async function jobKind<Kind extends JobKindName>(kind: Kind): Promise<JobKind<Kind>> {
  const load = kinds[kind]
  if (load === undefined) throw new Error(`there is no job of the kind ${kind} yet`)
  const {job} = (await load()) as {job: JobKind<Kind>}
  return job
}
