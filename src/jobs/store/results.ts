/** Records the end of occurrences in the ledger: a result, or a release for another attempt. */
import type {Database} from '../../db/database.js'
import type {Statement} from '../../db/sql.js'
import {recordStatement} from '../../run/record.js'
import {ledgerWrite} from './ledger.js'

export type Ending = 'done' | 'done_late' | 'failed' | 'skipped'

/** How an occurrence ended. */
export interface Ended {
  status: Ending
  reason?: string | null
  error?: string | null
  detail?: object | null
}

/** What identifies a claim. */
interface ClaimKey {
  id: number
  token: number
}

/** The result of a claimed occurrence. */
export type EndedClaim = Ended & {
  claim: ClaimKey
  /** Seconds between the claim and the start; 0 if not given. */
  waited?: number
  /** Seconds since the end; 0 if not given. */
  ago?: number
}

/** Records several results in one transaction. Returns the ids of the claims that this process still held. */
export async function finishAll(db: Database, all: readonly EndedClaim[]): Promise<Set<number>> {
  if (all.length === 0) return new Set()
  const rows = await db.query<{id: number}>(finishStatement(all), ledgerWrite(db))
  return new Set(rows.map(({id}) => id))
}

export function finishStatement(all: readonly EndedClaim[]): Statement {
  const asked = all.map(
    ({claim: {id, token}, status, reason = null, error = null, detail = null, waited = 0, ago = 0}) => ({
      ...{id, token, status, reason, error, detail, waited, ago},
    }),
  )
  return recordStatement('jobs/finish', [{json: asked}])
}

/** Records one result. False if another daemon has the claim. */
export async function finish(db: Database, claim: ClaimKey, ending: Ended): Promise<boolean> {
  return (await finishAll(db, [{...ending, claim}])).has(claim.id)
}

/** A released claim: any daemon may take it after `seconds`. `countsAsAttempt`: whether it uses up a retry. */
export interface GivenBack {
  seconds: number
  error: string | null
  countsAsAttempt: boolean
}

/** Releases a claim. False if another daemon has it. */
export async function release(db: Database, claim: ClaimKey, given: GivenBack): Promise<boolean> {
  return (await db.query(releaseStatement(claim, given), ledgerWrite(db))).length > 0
}

export function releaseStatement({id, token}: ClaimKey, {seconds, error, countsAsAttempt}: GivenBack): Statement {
  return recordStatement('jobs/release', [id, token, seconds, error, countsAsAttempt ? 0 : 1])
}
