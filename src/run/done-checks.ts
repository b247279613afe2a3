import type {Database} from '../db/database.js'
import {ident, list, raw, sql, unionAll, withExpressions, type Statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {sessionOf, type SessionResolver} from './run-step.js'
import {isDone} from './step-report.js'
import type {Step} from './step.js'

/** The most checks in one query: of checks that differ, each is planned by itself. */
const most = {same: 5_000, different: 200}

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
  for (const step of steps) if (step.doneCheck !== null) addTo(bySession, sessionOf(db, step, {resolveSession}), step)
  const done = new Set<Step>()
  for (const [session, asked] of bySession) {
    const byText = new Map<string, Step[]>()
    for (const step of asked) addTo(byText, isOfTexts(step) ? step.doneCheck!.text : '', step)
    for (const [text, group] of byText) {
      const size = text === '' ? most.different : most.same
      for (let at = 0; at < group.length; at += size)
        for (const step of await askTogether(session, group.slice(at, at + size), text !== '')) done.add(step)
    }
  }
  return done
}

function addTo<Key>(groups: Map<Key, Step[]>, key: Key, step: Step): void {
  const group = groups.get(key)
  if (group) group.push(step)
  else groups.set(key, [step])
}

/** Whether the parameters of a step's check can be columns of text. */
function isOfTexts({doneCheck}: Step): boolean {
  return doneCheck!.values.length > 0 && doneCheck!.values.every((value) => typeof value === 'string')
}

/**
 * If the query over rows fails, the checks are asked in a union, because a parameter may need another type than text.
 * If that fails, it is split in halves, so that the error is that of the failing check alone.
 * @param same the checks differ only in their values, which are texts
 */
async function askTogether(db: Database, steps: readonly Step[], same: boolean): Promise<Step[]> {
  if (steps.length === 1) return (await isDone(db, steps[0]!)) ? [...steps] : []
  const checks = steps.map(({doneCheck}) => doneCheck!)
  try {
    const rows = await db.query<{n: number}>(same ? overRows(checks) : union(checks))
    return rows.map(({n}) => steps[n]!)
  } catch (error) {
    if (isConnectionLost(error)) throw error
    const size = same ? most.different : Math.ceil(steps.length / 2)
    const done: Step[] = []
    for (let at = 0; at < steps.length; at += size)
      done.push(...(await askTogether(db, steps.slice(at, at + size), false)))
    return done
  }
}

/** One query over rows of parameters: 6 000 checks are parsed and planned once. */
function overRows(checks: readonly Statement[]): Statement {
  const [{values}] = checks as [Statement]
  const columns = values.map((_, index) => ident(`p${index + 1}`))
  const texts = values.map((_, index) => sql`${checks.map((check) => String(check.values[index]))}::text[]`)
  const positions = sql`${checks.map((_, n) => n)}::int[]`
  return sql`select asked.n from unnest(${list([positions, ...texts])}) as asked (n, ${list(columns)})
where (select done from (${withExpressions(checks[0]!, (number) => columns[number - 1]!)}
) as answer)`
}

/** A query that returns the positions of the checks that are true. */
function union(checks: readonly Statement[]): Statement {
  const answers = checks.map(
    (check, n) => sql`select ${raw(String(n))} as n, (select done from (${check}
) as asked) as done`,
  )
  return sql`select n from (${unionAll(answers)}) as answers where done`
}
