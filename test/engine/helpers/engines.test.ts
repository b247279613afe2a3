import {expect, it} from 'vitest'
import {forEachEngine} from '../../helpers/engines.js'

forEachEngine({}, (engine) => {
  it('engine.database() is empty each time', async () => {
    for (let round = 0; round < 2; round += 1) {
      const {db, run} = await engine.database()
      await run('create table t (time timestamptz not null, x int)')
      if (engine.hypertables) await run("select create_hypertable('t', 'time')")
      await run(
        "insert into t select time, 1 from generate_series('2026-01-01'::timestamptz, '2026-03-01', '1 day') as time",
      )
      expect(await db.query({text: 'select count(*) as rows from public.t', values: []})).toEqual([{rows: 60}])
      expect(db.server.engine).toBe(engine.kind)
    }
  })

  it('engine.urlFor() is a URL that another process can open', async () => {
    expect(await engine.urlFor(({run}) => run('create table t (x int)'))).toMatch(
      engine.native ? /^postgres/ : /^embedded:\//,
    )
  })
})
