import {expect, it} from 'vitest'
import {batching} from '../../../src/db/batching.js'
import {connect} from '../../../src/db/connect.js'
import {readOnlySettings} from '../../../src/db/database.js'
import {sql, statement} from '../../../src/db/sql.js'
import {sqlState} from '../../../src/db/sqlstate.js'
import {forEachEngine} from '../../helpers/engines.js'
import {startRelay} from '../../helpers/relay.js'
import {applicationName, targetOf} from '../../helpers/server.js'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('queries of one turn take one round trip, and each gets its own result', async () => {
    const relay = await startRelay((await engine.database()).url)
    const db = await connect(targetOf(relay.url), {applicationName})
    const batch = batching(db)
    const ask = async (n: number) => {
      const [first] = await batch.query<{n: number}>(sql`select ${n}::int as n`)
      const [second] = await batch.query<{n: number}>(sql`select ${first!.n * 2}::int as n`)
      return second!.n
    }
    relay.ways()
    expect(await Promise.all([1, 2, 3, 4, 5].map(ask))).toEqual([2, 4, 6, 8, 10])
    expect(relay.ways()).toBe(2)
    await db.close()
    await relay.close()
  })

  it('read-only transactions that are asked for together take one round trip, and one that fails fails alone', async () => {
    const relay = await startRelay((await engine.database()).url)
    const db = await connect(targetOf(relay.url), {applicationName})
    relay.ways()
    const answers = await Promise.allSettled(
      ['select 1 as n', 'select 1/0 as n', 'select 3 as n'].map((text) => db.query<{n: number}>(statement(text))),
    )
    expect(relay.ways()).toBe(1)
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : sqlState(answer.reason)))).toEqual([
      [{n: 1}],
      '22012',
      [{n: 3}],
    ])
    await db.close()
    await relay.close()
  })

  it('nothing is sent behind a transaction that waits for an answer or that writes', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const seen: string[] = []
    const slow = db.transaction(readOnlySettings, async (tx) => {
      await tx.query(statement('select 1'))
      await new Promise((resolve) => setTimeout(resolve, 30))
      seen.push('read')
    })
    const writes = db.transaction({...readOnlySettings, readOnly: false}, async (tx) => {
      seen.push('write')
      void tx.query(statement('insert into public.t values (1)'))
    })
    const rows = db.query<{n: number}>(statement('select count(*)::int as n from public.t'))
    await Promise.all([slow, writes])
    expect(await rows).toEqual([{n: 1}])
    expect(seen).toEqual(['read', 'write'])
  })

  it('a failing query fails alone, and a lost connection fails all', async () => {
    const {db, url} = await engine.database()
    const batch = batching(db)
    const answers = await Promise.allSettled(
      ['select 1 as n', 'select 1/0 as n', 'select 3 as n', 'select * from no_such_table', 'select 5 as n'].map(
        (text) => batch.query(statement(text)),
      ),
    )
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : sqlState(answer.reason)))).toEqual([
      [{n: 1}],
      '22012',
      [{n: 3}],
      '42P01',
      [{n: 5}],
    ])
    const other = await connect(targetOf(url), {applicationName})
    const lost = await Promise.allSettled([
      batching(other).query(statement('select pg_terminate_backend(pg_backend_pid())')),
      batching(other).query(statement('select 1')),
    ])
    expect(lost.map(({status}) => status)).toEqual(['rejected', 'rejected'])
    await other.close()
  })
})
