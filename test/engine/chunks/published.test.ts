import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {quick} from '../../helpers/run-steps.js'
import {stepResults, run} from '../../helpers/aggregates.js'
import {chunkNames, compress, decompress, drop, statuses, tenDays} from '../../helpers/chunks.js'

const before = {before: '2024-01-04T00:00:00Z'}

const sizes = ({run: ask}: TestDatabase, chunk: string) =>
  ask<{size: number}>(`select pg_relation_size('_timescaledb_internal.${chunk}') as size`).then(([row]) => row!.size)

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it.each([
    ['a publication for the table', 'create publication p for table m'],
    ['a publication for its schema', 'create publication p for tables in schema _timescaledb_internal'],
    ['a publication for all tables', 'create publication p for all tables'],
  ])(
    '%s: compressed rows are truncated, never deleted one by one, and the reader in the way is named',
    async (_what, publish) => {
      const database = await engine.database()
      await tenDays(database, 'alter table m add primary key (time, dev);')
      await database.run(publish)
      const [first] = await chunkNames(database)
      const reader = await connect(database.target, {applicationName: 'qicore-db/reader'})
      try {
        let pid = 0
        const {plan, notes} = await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})
        expect(notes).toEqual([])
        await reader.transaction({readOnly: true, lockTimeout: 1_000, statementTimeout: 60_000}, async (tx) => {
          const [row] = await tx.query<{pid: number}>(
            statement(`select pg_backend_pid() as pid from (select count(*) from _timescaledb_internal.${first}) c`),
          )
          pid = row!.pid
          const [stepResult] = stepResults(
            await execute(database.db, plan, {limits: {...quick, retryBudget: 300}, ledger: null}),
          )
          expect(stepResult).toMatch(new RegExp(`failed.*pid ${pid}|pid ${pid}.*failed`))
        })
        expect((await statuses(database))[0]).toBe(0)
        expect(
          stepResults(
            await run(database.db, (await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})).plan),
          )[0],
        ).toMatch(/done$/)
        expect(await sizes(database, first!)).toBe(0)
      } finally {
        await reader.close()
      }
    },
  )

  it('is not deleted either if the publication was created after the plan', async () => {
    const database = await engine.database()
    await tenDays(database, 'alter table m add primary key (time, dev);')
    const {plan} = await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})
    await database.run('create publication p for table m')
    const [text] = plan.steps[0]!.statements.filter((each) => each.text.includes('compress_truncate_behaviour'))
    expect(await database.run(text!)).toEqual([{set_config: 'truncate_only'}])
    const reader = await database.db.openSession()
    await reader.transaction({readOnly: true, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
      await tx.query(statement('select count(*) from public.m'))
      expect(await database.run(text!)).toEqual([{set_config: 'truncate_only'}])
      await database.run("alter publication p set (publish = 'insert, truncate')")
      expect(await database.run(text!)).toEqual([{set_config: 'truncate_disabled'}])
    })
    await reader.close()
    expect(await database.run(text!)).toEqual([{set_config: 'truncate_or_delete'}])
  })

  it('skips refilled chunks whose rows a publication would delete at its subscribers', async () => {
    const database = await engine.database()
    await tenDays(database, 'alter table m add primary key (time, dev);')
    const names = await chunkNames(database)
    await run(database.db, (await compress(database.db, 'm', before)).plan)
    await database.run("insert into m values ('2024-01-02 12:34+00', 1, 1)")
    await database.run('create publication "P 1" for table m')
    const {plan, notes} = await compress(database.db, 'm', before)
    expect(plan.steps).toEqual([])
    expect(notes).toEqual([
      expect.stringMatching(`^Not compressed again: ${names[1]}\\..*publication P 1 sends every DELETE`),
    ])
    expect((await decompress(database.db, 'm', '2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z')).notes).toContainEqual(
      expect.stringContaining(`publication P 1 sends every row of ${names[0]}`),
    )
    await database.run(`alter publication "P 1" set (publish = 'insert, update, truncate')`)
    expect((await compress(database.db, 'm', before)).plan.steps.map(({id}) => id)).toEqual([`compress ${names[1]}`])
  })

  it('reports which chunks a publication has, and which it loses through a drop', async () => {
    const database = await engine.database()
    await tenDays(database, 'alter table m add primary key (time, dev);')
    const names = await chunkNames(database)
    await database.run('create publication p for table m')
    await database.run("insert into m values ('2024-01-12 12:34+00', 1, 1)")
    expect((await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})).notes).toEqual([
      expect.stringContaining('Publication p has 10 of 11 chunks of public.m'),
    ])
    expect((await drop(database.db, 'm', '2024-01-02T00:00:00Z')).notes).toEqual([
      expect.stringContaining(`Publication p has ${names[0]}: the drop removes it from the publication`),
    ])
  })
})
