import type {Job} from '../../config/jobs.js'
import type {Backend, Database} from '../../db/database.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Claim} from '../store/claims.js'
import {ledgerWrite} from '../store/ledger.js'
import {finishStatement, releaseStatement, type Ended, type GivenBack} from '../store/results.js'
import {isLate, type FinalOutcome, type Unsettled} from './outcome.js'

/** `at_work`: the step is still running in the server, and nothing was recorded. */
export type Settled = {state: 'at_work'} | {state: 'lost'} | {state: 'written'; outcome: FinalOutcome}

/** Whether a step whose connection was closed has ended. */
export interface OverState {
  /** No step of the claim runs, and none can start before the transaction ends. */
  locked: boolean
  /** The claim is still held. */
  ours: boolean
  /** The server process still exists. */
  alive: boolean
}

/** The statements of one transaction that settles an occurrence. */
export interface SettleTransaction {
  isOver(claim: Claim, backend: Backend | null): Promise<OverState>
  /** Whether an attempt has done the step. */
  stepDone(claim: Claim, step: string): Promise<boolean>
  finish(ended: Ended & {claim: Claim}): Promise<unknown>
  release(claim: Claim, given: GivenBack): Promise<unknown>
}

/** What settling needs of the ledger and of the server. */
export interface SettleStore {
  /** Terminates a server process. */
  endBackend(backend: Backend): Promise<void>
  /** Runs `work` in one transaction. */
  settling<T>(work: (tx: SettleTransaction) => Promise<T>): Promise<T>
}

/**
 * Records the result of an occurrence whose connection was closed, but only once the server has ended its step, because
 * until then the step may still commit. Each call also terminates the server process (pg_terminate_backend).
 */
export async function settle(
  store: SettleStore,
  job: Job,
  claim: Claim,
  {failed, step, backend}: Unsettled,
): Promise<Settled> {
  if (backend !== null) await store.endBackend(backend).catch(() => {})
  return store.settling(async (tx): Promise<Settled> => {
    const {ours, locked, alive} = await tx.isOver(claim, backend)
    if (!ours) return {state: 'lost'}
    if (!locked || alive) return {state: 'at_work'}
    const done = step !== null && (await tx.stepDone(claim, step.id))
    const outcome = outcomeOf(job, claim, failed, done ? step : null)
    if (outcome.kind === 'ended') await tx.finish({...outcome, claim})
    if (outcome.kind === 'retry') await tx.release(claim, outcome)
    return {state: 'written', outcome}
  })
}

/** The store of the ledger of a database. */
export function settleStore(control: Database): SettleStore {
  return {
    async endBackend({pid, startedAt}) {
      // As the login role, which owns the session: the target's role may lack the right to terminate it.
      await control.query(statement(loadSql('jobs/end-backend'), [pid, startedAt]), {
        readOnly: false,
        lockTimeout: 1_000,
        statementTimeout: 5_000,
      })
    },
    settling: (work) =>
      control.transaction(ledgerWrite(control), (tx) =>
        work({
          async isOver({id, token}, backend) {
            const [row] = await tx.query<OverState>(
              prepared('jobs/is-over', [id, token, backend?.pid ?? null, backend?.startedAt ?? null]),
            )
            return row!
          },
          async stepDone({id}, step) {
            const [row] = await tx.query<{done: boolean}>(prepared('jobs/step-done', [id, step]))
            return row!.done
          },
          finish: (ended) => tx.query(finishStatement([ended])),
          release: (held, given) => tx.query(releaseStatement(held, given)),
        }),
      ),
  }
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
