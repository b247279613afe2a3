import type {Database, TransactionSettings} from '../db/database.js'
import {quoteIdent, statement} from '../db/sql.js'
import {sqlState} from '../db/sqlstate.js'
import type {Difference} from './catalog.js'

const settings: TransactionSettings = {readOnly: false, lockTimeout: 10_000, statementTimeout: 30_000}

/** An upper bound: no known expression needs as many round trips until PostgreSQL prints it as it was read. */
const mostTrips = 4

/**
 * Removes differences of expressions that are equal once both are parsed and printed until the text is stable. For
 * example, PostgreSQL prints `x in ('a', 'b')` over a varchar differently after the first dump and restore, and then
 * always in the same way. Both sides are parsed in the scratch database, beside tables created from the definitions; a
 * text that it rejects remains a difference.
 */
export async function withoutSpelling(scratch: Database, differences: readonly Difference[]): Promise<Difference[]> {
  const kept: Difference[] = []
  for (const difference of differences) if (!(await isSameExpression(scratch, difference))) kept.push(difference)
  return kept
}

async function isSameExpression(scratch: Database, {object, path, expected, actual}: Difference): Promise<boolean> {
  const trip = typeof expected === 'string' && typeof actual === 'string' ? tripOf(object, path, expected) : null
  if (trip === null) return false
  const ends = [await settledText(scratch, trip, String(expected)), await settledText(scratch, trip, String(actual))]
  return ends[0] !== null && ends[0] === ends[1]
}

/** How to store a text of one kind and read it back; `$text` is the placeholder. */
interface Trip {
  store: (text: string) => string[]
  read: string
}

const probe = 'pg_temp.qicore_probe'

/** @param object the table or view, as SQL reads it */
function tripOf(object: string, path: string, text: string): Trip | null {
  const table = [`create temporary table qicore_probe (like ${object}) on commit drop`]
  if (path.startsWith('constraints.') && text.startsWith('CHECK '))
    return {
      store: (check) => [...table, `alter table ${probe} add constraint qicore_probe ${check}`],
      read:
        `select pg_get_constraintdef(oid) as text from pg_constraint where conrelid = '${probe}'::regclass and ` +
        "conname = 'qicore_probe'",
    }
  const [, column] = /^columns\.(.+)\.default$/.exec(path) ?? []
  if (column !== undefined) {
    const name = column.startsWith('"') ? column : quoteIdent(column)
    return {
      store: (value) => [...table, `alter table ${probe} alter column ${name} set default ${value}`],
      read: `select pg_get_expr(adbin, adrelid) as text from pg_attrdef where adrelid = '${probe}'::regclass`,
    }
  }
  if (path === 'definition')
    return {
      store: (query) => [`create temporary view qicore_probe as ${query}`],
      read: `select pg_get_viewdef('${probe}'::regclass) as text`,
    }
  return null
}

/** The text after repeated round trips, once it is stable; null if the database rejects it. */
async function settledText(scratch: Database, trip: Trip, text: string): Promise<string | null> {
  for (let count = 0; count < mostTrips; count += 1) {
    const next = await tripped(scratch, trip, text)
    if (next === null || next === text) return next
    text = next
  }
  return text
}

async function tripped(scratch: Database, {store, read}: Trip, text: string): Promise<string | null> {
  let found: string | null = null
  try {
    await scratch.transaction(settings, async (tx) => {
      for (const sql of store(text)) await tx.query(statement(sql))
      found = (await tx.query<{text: string}>(statement(read)))[0]?.text ?? null
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo) && sqlState(error) === undefined) throw error
  }
  return found
}

/** Thrown to roll back. */
class Undo extends Error {}
