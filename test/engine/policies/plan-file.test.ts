import {describe, expect, it} from 'vitest'
import {planFileOf, readPlanFile, requireFresh, type PlanFile} from '../../../src/policies/plan/file.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'
import {days, declare, request, run as runPlan} from '../../helpers/policies.js'

const options = {prune: false, recompress: false, accepted: []}

async function saved(database: TestDatabase, after = 5, validFor = days(1)): Promise<PlanFile> {
  const declared = [declare('public.level1_data', {retention: {after: days(after), native: false}})]
  const planned = await planPolicies(database.db, request(declared))
  const file = planFileOf(planned, {target: 'test', database: database.db.server.database}, options, validFor)
  // As read back from a file.
  return readPlanFile(JSON.stringify(file), 'plan.json')
}

function staleness(before: PlanFile, now: PlanFile): string {
  try {
    requireFresh(before, now, 'plan.json')
    return 'fresh'
  } catch (error) {
    expect(error).toMatchObject({code: 'PLAN_STALE', exitCode: 7})
    return (error as Error).message
  }
}

const insert = (time: string) =>
  `insert into public.level1_data (ticker, exchange, market, time, best_bid, best_ask, spread, spread_percent, source, attribution) values ('A', 'x', 'spot', ${time}, 1, 2, 1, 50, 's', 'a')`

describe('a saved plan', () => {
  forEachEngine({}, (engine) => {
    it('is accepted as long as the state that it depends on is unchanged, and names the change otherwise', async () => {
      const database = await engine.database()
      await replay(database)
      await database.db.probe()
      const {run} = database
      if (!engine.hypertables)
        await run(
          `select qicore.create_partition('public.level1_data', 'day', ${today} - age * interval '1 day') from generate_series(6, 9) as age`,
        )
      else for (const time of [daysAgo(8), today]) await run(insert(time))
      const before = await saved(database)
      expect(staleness(before, await saved(database))).toBe('fresh')
      expect(before.cutoffs[0]!.chunks.length).toBeGreaterThan(0)

      expect(staleness({...before, validUntil: '2020-01-01T00:00:00Z'}, await saved(database))).toMatch(
        /valid until 2020/,
      )
      expect(staleness(before, await saved(database, 4))).toMatch(
        /the declaration, or the file itself, has changed: retention of public\.level1_data|now also drops/,
      )
      const forged = {...before, steps: before.steps.map((step) => ({...step, sql: 'drop table public.level1_data'}))}
      expect(staleness(forged, await saved(database))).toMatch(/has changed: retention of/)
      expect(staleness({...before, fingerprint: 'x'}, await saved(database))).toMatch(/fingerprint/)
      expect(() => requireFresh(before, {...before, database: 'another'}, 'plan.json')).toThrowError(
        expect.objectContaining({code: 'OTHER_DATABASE', exitCode: 2}),
      )

      if (!engine.hypertables) await run(`select qicore.create_partition('public.level1_data', 'day', ${daysAgo(20)})`)
      else await run(insert(daysAgo(20)))
      expect(staleness(before, await saved(database))).toMatch(/public\.level1_data: the retention now also drops/)

      const fresh = await saved(database)
      const declared = [declare('public.level1_data', {retention: {after: days(5), native: false}})]
      await runPlan(database.db, (await planPolicies(database.db, request(declared))).plan)
      expect(staleness(fresh, await saved(database, 6))).toMatch(/its policies or settings have changed/)
    })
  })

  it.each([
    ['not json', 'it is not JSON'],
    ['{}', 'its "kind" is not policies.plan'],
    ['null', 'its "kind" is not policies.plan'],
    ['{"kind": "policies.plan", "version": 2}', 'it has version 2'],
    ['{"kind": "policies.plan", "version": 1, "__proto__": {"steps": []}}', 'parts of it are missing'],
    ['{"kind": "policies.plan", "version": 1, "target": 1, "steps": "drop"}', 'parts of it are missing'],
  ])('that is invalid is refused: %s', (text, why) => {
    expect(() => readPlanFile(text, 'x.json')).toThrowError(
      expect.objectContaining({code: 'NOT_A_PLAN', exitCode: 2, message: expect.stringContaining(why)}),
    )
  })
})
