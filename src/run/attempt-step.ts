/** One attempt at a step: its work, its transaction, and its record. */
import type {Database, Db, Notice, TransactionSettings} from '../db/database.js'
import {serverMessage} from '../db/sqlstate.js'
import {pipelined} from '../db/transaction.js'
import {messageOf, OpsError} from '../errors.js'
import {deadlockTimeoutOf} from './autovacuum.js'
import {AlreadyDoneError, skipIfDone} from './guard.js'
import {lockTimeoutOf} from './limits.js'
import type {StepOptions} from './step-options.js'
import {isDone} from './step-report.js'
import type {Step, StepReport, WorkResult} from './step.js'

/**
 * When a hypertable is created, TimescaleDB warns about each column of type varchar or timestamp: advice on types that
 * the author of the table has chosen. Every warning has SQLSTATE 01000, so only the name of the C function that raises
 * it identifies it; the name is the same in 2.22 to 2.29.
 */
function isAdviceOnly(routine: string | null): boolean {
  return routine === 'ts_validate_basetable_columns'
}

export interface Attempt {
  /** Whether the step may already be done, so that the done check must run. */
  ask: boolean
  /** Whether an autovacuum worker that holds a needed lock is cancelled. */
  cancelsAutovacuum: boolean
  done(): StepReport
  /** The report if the done check was true. */
  found(): StepReport
}

/**
 * The step is recorded in its own transaction, so that the record always matches what happened. Fence, done check,
 * statements and record are pipelined: a step takes one round trip.
 */
export async function attempt(
  own: Database,
  db: Database,
  step: Step,
  position: number,
  options: StepOptions,
  {ask, cancelsAutovacuum, done, found}: Attempt,
): Promise<StepReport> {
  const {fence, ledger} = options
  const worked = step.work === undefined || (ask && (await isDone(db, step))) ? null : await doWork(db, step, options)
  const warnings: string[] = []
  const onNotice = ({severity, message, routine}: Notice) => {
    if (severity === 'WARNING' && !isAdviceOnly(routine)) warnings.push(message)
  }
  const ended = (): StepReport => ({...done(), bytes: worked?.bytes ?? step.bytes})
  const report = (): StepReport => {
    const notes = [
      ...(worked?.note ? [worked.note] : []),
      ...warnings.map((text) => `warning from the server: ${text}`),
    ]
    return {...ended(), note: notes.length > 0 ? notes.join('; ') : null}
  }
  const settings: TransactionSettings = {
    readOnly: false,
    lockTimeout: lockTimeoutOf(step, options.limits),
    statementTimeout: 0,
    deadlockTimeout: cancelsAutovacuum ? deadlockTimeoutOf(step, options.limits) : undefined,
    role: db.target.role,
    searchPath: step.searchPath,
    rowSecurity: step.rowSecurity,
    onNotice,
  }
  const statements = (tx: Db) => [
    ...(worked?.statements ?? []).map((statement) => tx.query(statement)),
    ...step.statements.map((statement, index) => located(step, index, tx.query(statement))),
  ]
  if (db === own && step.transaction === 'own') {
    const open = ask && step.doneCheck !== null ? skipIfDone(step.doneCheck) : undefined
    try {
      await pipelined(db, settings, (tx) => [
        fence?.(tx),
        open?.(tx),
        ...statements(tx),
        ledger?.stepDone(tx, position, ended()),
      ])
    } catch (error) {
      if (!(error instanceof AlreadyDoneError)) throw error
      const final = found()
      await ledger?.stepEnded(position, final)
      return final
    }
    const final = report()
    // The step is done even if the note cannot be stored.
    if (final.note !== null) await ledger?.stepNoted(step.id, final.note).catch(() => {})
    return final
  }
  const already = ask && (await isDone(db, step))
  if (!already) {
    // The fence cannot be in the same transaction: the step is in another database, or its statements refuse one.
    if (fence) await own.transaction({...settings, onNotice: undefined}, fence)
    if (db !== own) await pipelined(db, settings, statements)
    else await outsideTransaction(db, step, settings)
  }
  const final = already ? found() : report()
  await ledger?.stepEnded(position, final)
  return final
}

function doWork(db: Database, step: Step, options: StepOptions): Promise<WorkResult> {
  return step.work!.run(db, {
    lockTimeout: options.limits.lockTimeout,
    cancel: options.cancel,
    onAdvance: (words) => options.onProgress?.({event: 'advance', step, words}),
  })
}

async function outsideTransaction(db: Database, step: Step, settings: TransactionSettings): Promise<void> {
  const last = step.statements.length - 1
  try {
    for (const [index, statement] of step.statements.entries())
      await located(step, index, db.autocommit(settings, statement, index === last ? step.followUp : undefined))
  } catch (error) {
    if (step.cleanUp) await db.autocommit({...settings, onNotice: undefined}, step.cleanUp).catch(() => {})
    throw error
  }
}

const places = new WeakMap<object, string>()

/** Remembers the file and line of a failed statement; the line is exact if the server reports a position. */
async function located<T>(step: Step, index: number, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const source = step.source
    if (source && error instanceof Error) {
      const {position} = error as {position?: string}
      const text = step.statements[index]?.text ?? ''
      const into = position
        ? [...text]
            .slice(0, Number(position) - 1)
            .join('')
            .split('\n').length - 1
        : 0
      places.set(error, `${source.file}:${(source.lines[index] ?? 1) + into}`)
    }
    throw error
  }
}

export function describe(error: unknown, step: Step): string {
  const words = error instanceof OpsError ? messageOf(error) : serverMessage(error)
  const place = error instanceof Error ? places.get(error) : undefined
  if (place !== undefined) return `${place}: ${words}`
  return step.errorsNameObject === true && !(error instanceof OpsError) ? words : `${step.object}: ${words}`
}
