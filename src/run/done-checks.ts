import type {Database} from '../db/database.js'
import {raw, sql, unionAll, type Statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {sessionOf, type SessionResolver} from './run-step.js'
import {isDone} from './step-report.js'
import type {Step} from './step.js'

/** The most done checks in one query. */
const batchSize = 200

/**
 * The steps that the catalog shows as done, for a preview: checked in a few queries instead of one for each step. A run
 * checks each step again in the step's transaction, under its locks.
 */
export async function readDone(
  db: Database,
  steps: readonly Step[],
  resolveSession?: SessionResolver,
): Promise<Set<Step>> {
  const bySession = new Map<Database, Step[]>()
  for (const step of steps) {
    if (step.doneCheck === null) continue
    const session = sessionOf(db, step, {resolveSession})
    const asked = bySession.get(session)
    if (asked) asked.push(step)
    else bySession.set(session, [step])
  }
  const done = new Set<Step>()
  for (const [session, asked] of bySession)
    for (let at = 0; at < asked.length; at += batchSize)
      for (const step of await askTogether(session, asked.slice(at, at + batchSize))) done.add(step)
  return done
}

/** If one of the checks fails, the batch is split in halves, so that the error is that of the failing check alone. */
async function askTogether(db: Database, steps: readonly Step[]): Promise<Step[]> {
  if (steps.length === 1) return (await isDone(db, steps[0]!)) ? [...steps] : []
  try {
    const rows = await db.query<{n: number}>(union(steps.map(({doneCheck}) => doneCheck!)))
    return rows.map(({n}) => steps[n]!)
  } catch (error) {
    if (isConnectionLost(error)) throw error
    const middle = Math.ceil(steps.length / 2)
    return [...(await askTogether(db, steps.slice(0, middle))), ...(await askTogether(db, steps.slice(middle)))]
  }
}

/** A query that returns the positions of the checks that are true. */
function union(checks: readonly Statement[]): Statement {
  const answers = checks.map(
    (check, n) => sql`select ${raw(String(n))} as n, (select done from (${check}
) as asked) as done`,
  )
  return sql`select n from (${unionAll(answers)}) as answers where done`
}
