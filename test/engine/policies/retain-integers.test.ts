import {expect, it} from 'vitest'
import {readSnapshot} from '../../../src/catalog/snapshot.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {execute} from '../../../src/run/execute.js'
import {daysAgo, thisHour} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {declare, days, request} from '../../helpers/policies.js'
import {retain} from '../../helpers/policies-ticks.js'
import {quick} from '../../helpers/run-steps.js'
import {replay} from '../../helpers/schema-replay.js'

/** How many of a unit are in a second, and a type that holds them. */
const units = {s: [1, 'integer'], ms: [1e3, 'bigint'], us: [1e6, 'bigint'], ns: [1e9, 'bigint']} as const

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  for (const [unit, [factor, type]] of Object.entries(units))
    it(`retention by a key of type ${type} in ${unit} is declared, and drops what SQL written by hand calls older`, async () => {
      const database = await engine.database()
      const {db, run} = database
      await replay(database, ['core'])
      await db.probe()
      const at = (time: string) => `(extract(epoch from ${time}) * ${factor})::${type}`
      await run(`create table ev (at ${type} not null) partition by range (at);
do $$ begin for n in 0 .. 13 loop
  execute format('create table ev_%s partition of ev for values from (%s) to (%s)', n,
    ${at(`${daysAgo(12)} + n * interval '24 hours'`)}, ${at(`${daysAgo(11)} + n * interval '24 hours'`)});
end loop; end $$;
insert into ev select ${at('t')} from generate_series(${daysAgo(12)}, ${thisHour}, interval '1 hour') t`)
      const {tables} = await readSnapshot(db, {lateAfter: 0, table: 'ev', timeUnits: new Map()})
      const bounds = await run<{bound: string}>(
        `select ${at(`${daysAgo(12)} + n * interval '24 hours'`)}::text as bound from generate_series(0, 13) n`,
      )
      const starts = tables[0]!.chunks.map(({start}) => start).sort((a, b) => (a! < b! ? -1 : 1))
      expect(starts.map(String)).toEqual(bounds.map(({bound}) => bound))
      const rule = {retention: {after: days(7), native: false}}
      const declared = [{...declare('public.ev', rule), timeUnit: unit as keyof typeof units}]
      const {plan} = await planPolicies(db, request(declared))
      await execute(db, plan, {limits: quick, ledger: null})
      expect((await planPolicies(db, request(declared))).plan.steps).toEqual([])
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      expect(await run(`select min(at) = ${at(daysAgo(7))} as right from ev`)).toEqual([{right: true}])
      await expect(planPolicies(db, request([declare('public.ev', rule)]))).rejects.toMatchObject({exitCode: 2})
    })
})
