import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {hourly, refreshPlan, run, span} from '../../helpers/aggregates.js'
import {drop} from '../../helpers/chunks.js'
import {retain} from '../../helpers/policies-ticks.js'
import {replay} from '../../helpers/schema-replay.js'

/** `m` and `a` belong to a role that row level security lets see no row of `m`; a refresh reads as that role. */
async function hidden(database: TestDatabase, owner: string): Promise<void> {
  await replay(database, ['core'])
  await database.db.probe()
  await hourly(database)
  await database.run(`create role ${owner}; grant all on schema public to ${owner};
    alter table m owner to ${owner}; alter materialized view a owner to ${owner};
    alter table m enable row level security; create policy none on m using (dev < 0);
    alter table m force row level security`)
}

const rows = async ({run: query}: TestDatabase) =>
  (
    await query<{m: number; a: number}>(
      'select (select count(*)::int from m) as m, (select coalesce(sum(n), 0)::int from a) as a',
    )
  )[0]

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('no row is dropped that row level security hid from the refresh of an aggregate', async () => {
    const database = await engine.database()
    const owner = `hidden_${randomBytes(4).toString('hex')}`
    await hidden(database, owner)
    try {
      // Retention keeps all chunks of a table without new rows.
      await database.run(`insert into m values (${today}, 1, 1)`)
      const before = await rows(database)
      // TimescaleDB's own refresh computes the hours without their rows, and its logs say that it computed them.
      await database.autocommit("call refresh_continuous_aggregate('a', '2024-01-01+00', '2024-01-03+00')")
      expect(await rows(database)).toEqual({...before, a: 0})
      await expect(drop(database.db, 'public.m', '2024-01-02T00:00:00Z')).rejects.toMatchObject({code: 'NOT_COVERED'})
      await database.run(
        `insert into qicore.policies (object, kind, config) select 'public.m', 'retention', c || jsonb_build_object(
          'consent', jsonb_build_object('hash', qicore.retention_hash('public.m', c)))
        from (values ('{"after": "1 day", "maxDropPerRun": 1}'::jsonb)) as given (c)`,
      )
      expect(await retain(database, '{"object": "public.m"}')).toContain('public.a has not covered')

      const {plan} = await drop(database.db, 'public.m', '2024-01-02T00:00:00Z', {refreshFirst: true})
      const dropped = (await run(database.db, plan)).steps.filter(({id}) => id.startsWith('drop'))
      expect(dropped.map(({status}) => status)).toEqual(['failed'])
      const request = {span: span('2024-01-03', '2024-01-05')}
      const {steps} = await run(database.db, (await refreshPlan(database.db, 'public.a', request)).plan)
      expect([...new Set(steps.map(({status, reason}) => `${status} ${reason?.code}`))]).toEqual([
        'failed row_security',
      ])
      expect(steps[0]!.note).toContain('BYPASSRLS')
      expect(await rows(database)).toEqual({...before, a: 0})

      await database.run(`alter role ${owner} bypassrls`)
      const fixed = await refreshPlan(database.db, 'public.a', request)
      // A step is skipped if the one before it computed its range too, as 2.22 does after a refresh that failed.
      expect((await run(database.db, fixed.plan)).steps.map(({error}) => error)).toEqual(steps.map(() => null))
      expect((await rows(database))!.a).toBe(2 * 2 * 144)
    } finally {
      await database.run(`reassign owned by ${owner} to postgres; drop owned by ${owner}; drop role ${owner}`)
    }
  })
})
