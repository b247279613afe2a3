import {definitionsApply} from '../catalog/definitions-apply.js'
import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import type {JobContext} from './kind.js'

/** Why a runner has nothing to do for this database, as a clause; null if jobs, tables or definitions apply to it. */
export async function nothingDeclared(
  db: Database,
  jobs: readonly Job[],
  {tables, aggregates}: JobContext['sections'],
): Promise<string | null> {
  const isAsked =
    jobs.some(({declared}) => declared) || Object.keys(tables).length > 0 || Object.keys(aggregates).length > 0
  if (isAsked || (await definitionsApply(db))) return null
  return (
    'nothing is declared for this database: no tables or jobs in the configuration, and no migration of this ' +
    'program is applied'
  )
}
