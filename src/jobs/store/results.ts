/** How occurrences end in the ledger: with a result, or given back for another try. */
import type {Database} from '../../db/database.js'
import type {Statement} from '../../db/sql.js'
import {recordStatement} from '../../run/record.js'
import type {Claim} from './claims.js'
import {ledgerWrite} from './ledger.js'

export type Ending = 'done' | 'done_late' | 'failed' | 'skipped'

/** How an occurrence ended. */
export interface Ended {
  status: Ending
  reason?: string | null
  error?: string | null
  detail?: object | null
}

/** Ends several at once, in one commit. Ids of those that were still ours. */
export async function finishAll(
  db: Database,
  all: readonly (Ended & {claim: Pick<Claim, 'id' | 'token'>})[],
): Promise<Set<number>> {
  if (all.length === 0) return new Set()
  const rows = await db.query<{id: number}>(finishStatement(all), ledgerWrite(db))
  return new Set(rows.map(({id}) => id))
}

export function finishStatement(all: readonly (Ended & {claim: Pick<Claim, 'id' | 'token'>})[]): Statement {
  const asked = all.map(({claim: {id, token}, status, reason = null, error = null, detail = null}) => ({
    id,
    token,
    status,
    reason,
    error,
    detail,
  }))
  return recordStatement('jobs/finish', [{json: asked}])
}

/** False where another daemon has taken the claim over. */
export async function finish(db: Database, claim: Claim, ending: Ended): Promise<boolean> {
  return (await finishAll(db, [{...ending, claim}])).has(claim.id)
}

/** A released claim: any daemon may take it after `seconds`. `countsAsAttempt`: whether it uses up a retry. */
export interface GivenBack {
  seconds: number
  error: string | null
  countsAsAttempt: boolean
}

/** False where the claim was not ours any more. */
export async function release(db: Database, claim: Claim, given: GivenBack): Promise<boolean> {
  return (await db.query(releaseStatement(claim, given), ledgerWrite(db))).length > 0
}

export function releaseStatement({id, token}: Claim, {seconds, error, countsAsAttempt}: GivenBack): Statement {
  return recordStatement('jobs/release', [id, token, seconds, error, countsAsAttempt ? 0 : 1])
}
