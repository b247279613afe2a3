import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Claim} from '../store/claims.js'
import {ledgerWrite} from '../store/ledger.js'
import {finishStatement, releaseStatement} from '../store/results.js'
import {isLate, type FinalOutcome, type Unsettled} from './outcome.js'

/** `at_work`: the step is still running in the server, and nothing was recorded. */
export type Settled = {state: 'at_work'} | {state: 'lost'} | {state: 'written'; outcome: FinalOutcome}

/**
 * Records the result of an occurrence whose connection was closed, but only once the server has ended its step, because
 * until then the step may still commit. Each call also terminates the server process (pg_terminate_backend).
 */
export async function settle(
  control: Database,
  job: Job,
  claim: Claim,
  {failed, step, backend}: Unsettled,
): Promise<Settled> {
  if (backend !== null) {
    // As the login role, which owns the session: the target's role may lack the right to terminate it.
    await control
      .query(statement(loadSql('jobs/end-backend'), [backend.pid, backend.startedAt]), {
        readOnly: false,
        lockTimeout: 1_000,
        statementTimeout: 5_000,
      })
      .catch(() => [])
  }
  return control.transaction(ledgerWrite(control), async (tx): Promise<Settled> => {
    const [over] = await tx.query<{locked: boolean; ours: boolean; alive: boolean}>(
      prepared('jobs/is-over', [claim.id, claim.token, backend?.pid ?? null, backend?.startedAt ?? null]),
    )
    if (!over!.ours) return {state: 'lost'}
    if (!over!.locked || over!.alive) return {state: 'at_work'}
    const [row] = step === null ? [] : await tx.query<{done: boolean}>(prepared('jobs/step-done', [claim.id, step.id]))
    const outcome = outcomeOf(job, claim, failed, row?.done === true ? step : null)
    if (outcome.kind === 'ended') await tx.query(finishStatement([{...outcome, claim}]))
    if (outcome.kind === 'retry') await tx.query(releaseStatement(claim, outcome))
    return {state: 'written', outcome}
  })
}

/** @param done the step if it committed after all, otherwise null */
function outcomeOf(
  job: Job,
  claim: Claim,
  failed: FinalOutcome,
  done: {id: string; last: boolean} | null,
): FinalOutcome {
  if (done === null) return words(failed, 'its server process has ended and its transaction was rolled back')
  const remark = `${done.id} took effect: it committed after its connection was closed`
  if (!done.last) return words(failed, remark)
  const steps = {done: 1, skipped: 0, failed: 0, unfinished: 0}
  return {
    kind: 'ended',
    status: isLate(job, claim) ? 'done_late' : 'done',
    reason: null,
    error: null,
    detail: {steps, bytes: null, notes: [remark]},
  }
}

function words(failed: FinalOutcome, remark: string): FinalOutcome {
  return 'error' in failed && failed.error !== null ? {...failed, error: `${failed.error}; ${remark}`} : failed
}
