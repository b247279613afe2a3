import {expect, it} from 'vitest'
import {preview} from '../../../src/run/execute.js'
import {toScript} from '../../../src/run/script.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {statement} from '../../../src/db/sql.js'
import {planCreate} from '../../../src/partitions/create/create.js'
import {findPartitioned} from '../../../src/partitions/find-table.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, createRequest, stepResults, quick, run} from '../../helpers/partitions.js'

const ticks = 'create table ticks (time timestamptz not null, x int) partition by range (time)'
const create = (database: TestDatabase, from: string, to: string, more = {}) =>
  planCreate(database.db, createRequest('public.ticks', from, to, more))

forEachEngine({}, (engine) => {
  it('a preview changes nothing, a run creates what is missing, and the next run has nothing to do', async () => {
    const database = await engine.database()
    await database.run(ticks)
    await database.run(
      "create table ticks_y2024m02 partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00')",
    )
    const plan = await create(database, '2024-01', '2024-03')
    expect(plan.steps.map(({id}) => id)).toEqual(['create public.ticks_y2024m01', 'create public.ticks_y2024m03'])
    await preview(database.db, plan)
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
    expect(stepResults(await run(database.db, plan))).toEqual([
      'create public.ticks_y2024m01: done',
      'create public.ticks_y2024m03: done',
    ])
    expect(await childrenOf(database, 'ticks')).toEqual([
      "ticks_y2024m01 ('2024-01-01') TO ('2024-02-01')",
      "ticks_y2024m02 ('2024-02-01') TO ('2024-03-01')",
      "ticks_y2024m03 ('2024-03-01') TO ('2024-04-01')",
    ])
    expect((await create(database, '2024-01', '2024-03')).steps).toEqual([])
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual(['skipped', 'skipped'])
  })

  it('prints SQL that creates the same partitions when it is run by hand', async () => {
    const database = await engine.database()
    await database.run(ticks)
    const script = toScript(await create(database, '2024-01', '2024-02'), defaultLimits)
    await database.run(statement(script.replaceAll(/^(begin|commit);$/gm, '')))
    expect((await create(database, '2024-01', '2024-02')).steps).toEqual([])
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('refuses the whole request before anything is changed if a partition or a name is in the way, and names it', async () => {
    const database = await engine.database()
    await database.run(ticks)
    await database.run(
      "create table mid partition of ticks for values from ('2024-02-15+00') to ('2024-03-01+00'); create table ticks_y2024m01 (x int)",
    )
    await expect(create(database, '2024-01', '2024-03')).rejects.toMatchObject({
      code: 'PARTITION_CONFLICT',
      exitCode: 2,
      message: expect.stringMatching(
        /public\.ticks_y2024m01 exists already and is not a partition of public\.ticks[^]*public\.mid \(2024-02-15T00:00:00Z to 2024-03-01T00:00:00Z\) overlaps/,
      ),
    })
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
  })

  it('accepts an existing partition with exactly that range under another name', async () => {
    const database = await engine.database()
    await database.run(ticks)
    await database.run("create table january partition of ticks for values from ('2024-01-01+00') to ('2024-02-01+00')")
    expect((await create(database, '2024-01', '2024-01')).steps).toEqual([])
  })

  it('refuses a partition whose name has other bounds', async () => {
    const database = await engine.database()
    await database.run(ticks)
    await database.run(
      "create table ticks_y2024m01 partition of ticks for values from ('2023-01-01+00') to ('2023-02-01+00')",
    )
    await expect(create(database, '2024-01', '2024-01')).rejects.toThrow(
      /public\.ticks_y2024m01 is a partition of public\.ticks with other bounds/,
    )
  })

  it('uses the length of the existing partitions if none is given', async () => {
    const database = await engine.database()
    await database.run(ticks)
    const undeclared = (from: string, to: string) =>
      planCreate(database.db, {...createRequest('public.ticks', from, to), every: null})
    expect((await undeclared('2024-01', '2024-01')).steps).toHaveLength(1)
    await database.run("create table d partition of ticks for values from ('2024-03-01+00') to ('2024-03-02+00')")
    expect((await undeclared('2024-01', '2024-01')).steps).toHaveLength(31)
    await database.run("create table w partition of ticks for values from ('2024-03-04+00') to ('2024-03-11+00')")
    await expect(undeclared('2024-01', '2024-01')).rejects.toMatchObject({code: 'NO_PERIOD', exitCode: 2})
  })

  it.each([
    ['create table t (x int)', /public\.t is not partitioned/],
    ['create table t (x int) partition by list (x)', /is partitioned by list, not by range of time/],
    ['create table t (time timestamptz) partition by hash (time)', /is partitioned by hash/],
    [
      'create table t (id bigint) partition by range (id)',
      /is partitioned by id \(bigint\), whose unit of time is not declared/,
    ],
    ['create table t (time timestamptz, x int) partition by range (time, x)', /by 2 columns together/],
    ["create table t (time timestamp) partition by range (date_trunc('day', time))", /by an expression/],
    [
      "create table t (time date) partition by range (time); create table s partition of t for values from ('2020-01-01') to ('2020-02-01') partition by range (time)",
      /partitioned by range themselves/,
    ],
    [
      "create table p (time date) partition by range (time); create table t partition of p for values from ('2024-01-01') to ('2024-02-01')",
      /public\.t is itself a partition, of public\.p/,
    ],
  ])('refuses %s', async (ddl, message) => {
    const database = await engine.database()
    await database.run(ddl)
    const attempt = findPartitioned(database.db, 't').then((relation) =>
      planCreate(database.db, createRequest(relation, '2024-01', '2024-01')),
    )
    await expect(attempt).rejects.toMatchObject({exitCode: 2, message: expect.stringMatching(message)})
  })

  it.each([
    ['2024-03', '2024-01', 'EMPTY_RANGE'],
    ['2024-01-05', '2024-01-05', 'EMPTY_RANGE'],
    ['0900-01', '1733-05', 'TOO_MANY'],
    ['2008-11', '2009-02', 'OUT_OF_RANGE'],
    ['2097-01', '2097-02', 'OUT_OF_RANGE'],
  ])('refuses %s to %s', async (from, to, code) => {
    const database = await engine.database()
    await database.run(ticks)
    const sane = {earliest: '2009-01-03T00:00:00Z', within: {months: 12, days: 0, seconds: 0}}
    await expect(create(database, from, to, sane)).rejects.toMatchObject({code, exitCode: 2})
    expect(await childrenOf(database, 'ticks')).toEqual([])
  })

  it('resolves names as SQL does: folded, quoted, with and without a schema, ambiguous', async () => {
    const database = await engine.database()
    await database.run(
      `create schema "Market.x"; create table "Market.x"."Ticks" (time date) partition by range (time); ${ticks}; create schema b; create table b.ticks (time date) partition by range (time)`,
    )
    const find = (name: string) => findPartitioned(database.db, name)
    expect(await find('"Market.x"."Ticks"')).toBe('"Market.x"."Ticks"')
    expect(await find('"Ticks"')).toBe('"Market.x"."Ticks"')
    expect(await find('B.TICKS')).toBe('b.ticks')
    await expect(find('ticks')).rejects.toMatchObject({
      code: 'AMBIGUOUS',
      message: expect.stringContaining('b.ticks or public.ticks'),
    })
    for (const wrong of ['Ticks.x', 'nope'])
      await expect(find(wrong), wrong).rejects.toMatchObject({code: 'NO_SUCH_TABLE', exitCode: 2})
    for (const wrong of ['a.b.c', '"', '', "x'; drop table ticks"])
      await expect(find(wrong), wrong).rejects.toMatchObject({code: 'BAD_NAME', exitCode: 2})
  })

  it('refuses a role that does not own the table, before anything is changed', async () => {
    const database = await engine.database()
    const role = `stranger_${Math.random().toString(36).slice(2)}`
    await database.run(`${ticks}; create role ${role}; grant all on ticks to ${role}`)
    try {
      const asRole = {
        ...database.db,
        target: {...database.db.target, role},
        server: database.db.server,
      } as typeof database.db
      await expect(planCreate(asRole, createRequest('public.ticks', '2024-01', '2024-01'))).rejects.toMatchObject({
        code: 'NO_PRIVILEGE',
        exitCode: 1,
        message: expect.stringContaining('belongs to postgres'),
      })
    } finally {
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })

  it('two runs at once create each partition once, and both succeed', async () => {
    const database = await engine.database()
    await database.run(ticks)
    const other = await database.db.openSession()
    try {
      const plan = await create(database, '2020-01', '2022-12')
      const [one, two] = await Promise.all([
        run(database.db, plan),
        run(other, {...plan, steps: [...plan.steps].reverse()}),
      ])
      const done = [...one.steps, ...two.steps].filter(({status}) => status === 'done')
      expect([...one.steps, ...two.steps].filter(({status}) => status === 'failed')).toEqual([])
      expect(new Set(done.map(({id}) => id)).size).toBe(36)
      expect(done).toHaveLength(36)
    } finally {
      await other.close()
    }
  })

  it('waits for a blocker no longer than the lock timeout, names it, and continues when it is gone', async () => {
    const database = await engine.database()
    await database.run(ticks)
    const other = await database.db.openSession()
    try {
      const plan = await create(database, '2024-01', '2024-01')
      const seen: string[] = []
      const {execute} = await import('../../../src/run/execute.js')
      let ended: Promise<unknown> = Promise.resolve()
      await new Promise<void>((held) => {
        ended = other.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
          await tx.query(statement('lock table public.ticks in share mode'))
          held()
          await new Promise((resolve) => setTimeout(resolve, 700))
        })
      })
      const report = await execute(database.db, plan, {
        limits: quick,
        ledger: null,
        onProgress: (progress) => void (progress.event === 'wait' && seen.push(progress.reason)),
      })
      await ended
      expect(stepResults(report)).toEqual(['create public.ticks_y2024m01: done'])
      expect(seen[0]).toMatch(/^pid \d+ .* holds ShareLock on public\.ticks/)
    } finally {
      await other.close()
    }
  })
})
