import {expect, it} from 'vitest'
import {changesKind} from '../../../src/adopt/changes.js'
import {planAdopt} from '../../../src/adopt/plan.js'
import {stagingOf} from '../../../src/adopt/staging.js'
import {statement} from '../../../src/db/sql.js'
import {adoptRequest, ticks} from '../../helpers/adopt.js'
import {forEachEngine} from '../../helpers/engines.js'
import {run, stepResults} from '../../helpers/partitions.js'
import {writing} from '../../helpers/server.js'

/** Rows of the table, and entries of the log in one batch. */
const [rows, entries] = [30_000, 2_000]

/** The plan of every statement of the function with the rows that it read, as messages to the client. */
const explain = `load 'auto_explain'; set local auto_explain.log_min_duration = 0; set local auto_explain.log_nested_statements = on;
set local auto_explain.log_analyze = on; set local auto_explain.log_level = notice`

/** How often a plan compared a row with something, without an index, and did not take it. */
function compared(plan: string): number {
  return [...plan.matchAll(/Rows Removed by (?:Join )?Filter: (\d+)/g)].reduce((sum, [, each]) => sum + Number(each), 0)
}

/** The tables that a plan reads from the beginning to the end. */
function wholeTables(plan: string): string[] {
  return [...plan.matchAll(/Seq Scan on (\S+)/g)].map(([, table]) => table!)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('recorded changes are applied by the indexes of the keys: no table is read as a whole, no row compared in vain', async (context) => {
    const database = await engine.database()
    const {db} = database
    const refused = await database.run("load 'auto_explain'").then(() => null, String)
    if (refused !== null) return context.skip(refused)
    await database.run(ticks(rows))
    await database.run('analyze ticks')
    const {plan} = await planAdopt(db, adoptRequest())
    const begun = plan.steps.slice(
      0,
      plan.steps.findIndex(({kind}) => kind === changesKind),
    )
    expect(stepResults(await run(db, {...plan, steps: begun})).every((step) => step.endsWith(': done'))).toBe(true)
    // A writer at the newest end of the table, whose statistics do not know these times. Nothing is analyzed meanwhile.
    await database.run(`insert into ticks select 'a', '2026-01-01T00:00:00Z'::timestamptz + ${rows} * interval '1 minute' + g * interval '1 second', 1
from generate_series(1, ${entries}) g; update ticks set price = price + 1`)
    const {schema} = stagingOf('public.ticks')
    const notices: string[] = []
    const taken = await db.transaction(
      {...writing, onNotice: ({message}) => void notices.push(message)},
      async (tx) => {
        await tx.query(statement(explain))
        return tx.query<{taken: string}>(
          statement(
            `select "${schema}".apply_changes('public.ticks'::regclass, '"${schema}".ticks'::regclass, ${entries})::text as taken`,
          ),
        )
      },
    )
    expect(taken).toEqual([{taken: String(entries)}])
    const plans = notices.filter((text) => /ticks|changes/.test(text))
    // The batch is taken from the log, its rows deleted, and copied.
    expect(plans.length).toBeGreaterThanOrEqual(3)
    expect(plans.some((text) => text.includes('Index'))).toBe(true)
    for (const text of plans) {
      expect(
        wholeTables(text).filter((table) => table !== 'state'),
        text,
      ).toEqual([])
      expect(compared(text), text).toBeLessThan(entries)
    }
  })
})
