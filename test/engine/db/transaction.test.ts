import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {readOnlySettings, type Database, type Db} from '../../../src/db/database.js'
import {mayHoldSeveral, statement} from '../../../src/db/sql.js'
import {pipelined, allInOrder} from '../../../src/db/transaction.js'
import {forEachEngine} from '../../helpers/engines.js'
import {startFaultRelay} from '../../helpers/fault-relay.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const insert = (x: number) => statement(`insert into public.t values (${x})`)
const prepared = (x: number) => ({text: 'insert into public.t values ($1::int)', values: [x], name: `test:insert`})

/** How work awaits its statements: each variant writes the rows 1, 2 and 3 and nothing else. */
const shapes: Record<string, (db: Database) => Promise<unknown>> = {
  'waits for nothing': (db) => db.transaction(writing, async (tx) => void [1, 2, 3].map((x) => tx.query(insert(x)))),
  'waits for all at once': (db) =>
    db.transaction(writing, (tx) => allInOrder([1, 2, 3].map((x) => tx.query(insert(x))))),
  'waits for each': (db) =>
    db.transaction(writing, async (tx) => {
      for (const x of [1, 2, 3]) await tx.query(insert(x))
    }),
  'sends its parts with a fence': (db) =>
    pipelined(db, writing, (tx) => [tx.query(statement('select 1')), ...[1, 2, 3].map((x) => tx.query(insert(x)))]),
  'keeps statements prepared': (db) => pipelined(db, writing, (tx) => [1, 2, 3].map((x) => tx.query(prepared(x)))),
  'sends several statements in one text': (db) =>
    db.transaction(writing, async (tx) => {
      void tx.query(insert(1))
      void tx.query(statement('insert into public.t values (2); insert into public.t values (3)'))
    }),
  'waits for something else in between': (db) =>
    db.transaction(writing, async (tx) => {
      void tx.query(insert(1))
      await new Promise((resolve) => setImmediate(resolve))
      void tx.query(insert(2))
      await new Promise((resolve) => setTimeout(resolve, 5))
      void tx.query(insert(3))
    }),
  'passes over failures': (db) =>
    db.transaction(writing, async (tx) => {
      for (const x of [1, 2, 3]) await tx.query(insert(x)).catch(() => {})
    }),
  'works in a role': (db) =>
    pipelined(db, {...writing, role: 'postgres'}, (tx) => [1, 2, 3].map((x) => tx.query(insert(x)))),
}

forEachEngine({native: true}, (engine) => {
  it('sends many reading transactions behind each other without a warning of Node', async () => {
    const {url} = await engine.database()
    const db = await connect(targetOf(url), {applicationName})
    const warnings: string[] = []
    const keep = ({name, message}: Error) => void warnings.push(`${name}: ${message}`)
    process.on('warning', keep)
    try {
      const numbers = Array.from({length: 40}, (_, n) => n)
      const rows = await Promise.all(numbers.map((n) => db.query<{n: number}>(statement(`select ${n} as n`))))
      expect(rows).toEqual(numbers.map((n) => [{n}]))
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('warning', keep)
      await db.close()
    }
    expect(warnings).toEqual([])
  })

  for (const [shape, work] of Object.entries(shapes)) {
    it(`changes nothing if one of its statements fails, BEGIN and COMMIT included, whichever it is: work that ${shape}`, async () => {
      const {url, run, db: beside} = await engine.database()
      await run('create table t (x int)')
      const relay = await startFaultRelay(url)
      const db = await connect(targetOf(relay.url), {applicationName})
      relay.count()
      await work(db)
      const statements = relay.count()
      expect(await run('select x from t order by x')).toEqual([{x: 1}, {x: 2}, {x: 3}])
      // BEGIN, the settings, three inserts (two of which may have the same text) and COMMIT.
      expect(statements).toBeGreaterThanOrEqual(5)
      await run('truncate t')
      for (let nth = 1; nth <= statements; nth += 1) {
        relay.failAt(nth)
        const failure = await work(db).then(
          () => null,
          (error: unknown) => error,
        )
        expect(relay.failed(), `statement ${nth}`).toBe(true)
        // A failing COMMIT is noticed at the latest by the next transaction; the failure itself is the injected one.
        expect(failure, `statement ${nth}`).toMatchObject({message: expect.stringContaining('injected_fault')})
        expect(await beside.query(statement('select x from public.t')), `statement ${nth}`).toEqual([])
        // The session is usable and in no transaction.
        expect(
          await db.query(
            statement(
              "select current_setting('transaction_read_only') as only, current_setting('lock_timeout') as lock",
            ),
          ),
        ).toEqual([{only: 'on', lock: '50ms'}])
        await expect(db.query(statement('insert into public.t values (9)'))).rejects.toMatchObject({code: '25006'})
      }
      await work(db)
      expect(await run('select x from t order by x')).toEqual([{x: 1}, {x: 2}, {x: 3}])
      await db.close()
      await relay.close()
    })
  }

  it('never reads without READ ONLY and its lock_timeout, whichever statement of the opening fails', async () => {
    const {url, run, db: beside} = await engine.database()
    await run('create table t (x int)')
    const relay = await startFaultRelay(url)
    const db = await connect(targetOf(relay.url), {applicationName})
    for (const nth of [1, 2, 3, 4]) {
      relay.failAt(nth)
      await expect(
        db.query(statement('insert into public.t values (1) returning x')),
        `statement ${nth}`,
      ).rejects.toThrow()
      relay.failAt(nth)
      const found = await db.query(statement("select current_setting('lock_timeout') as lock")).then(
        (rows) => rows,
        () => [],
      )
      for (const row of found) expect(row).toEqual({lock: '50ms'})
    }
    expect(await beside.query(statement('select * from public.t'))).toEqual([])
    await db.close()
    await relay.close()
  })

  it('does not take a COMMIT outside of any transaction for success', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const ends = db.transaction(writing, async (tx) => {
      await tx.query(statement('rollback'))
      await tx.query(insert(1)).catch(() => {})
    })
    await expect(ends).rejects.toThrow(/ended the transaction before its commit/)
  })
})

forEachEngine({}, (engine) => {
  it('opens reads with BEGIN READ ONLY, which no later statement can change', async () => {
    const {db} = await engine.database()
    const write = db.transaction(readOnlySettings, async (tx) => {
      await tx.query(statement('select 1'))
      await tx.query(statement('set local transaction read write'))
    })
    await expect(write).rejects.toThrow(/read-write mode/)
  })

  it('sends no statement that is requested after the work has ended', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    let kept: Db | undefined
    await db.transaction(writing, async (tx) => {
      kept = tx
      await tx.query(insert(1))
    })
    await expect(kept!.query(insert(2))).rejects.toThrow(/over/)
    expect(await run('select x from t')).toEqual([{x: 1}])
  })

  it('gives each statement its own rows, whatever was sent with it', async () => {
    const {db} = await engine.database()
    const rows = await db.transaction(readOnlySettings, (tx) =>
      allInOrder([
        tx.query(statement('select 1 as a')),
        tx.query(statement('')),
        tx.query(statement('select 2 as b where false')),
        tx.query(statement('select $1::text as c', ['x'])),
        tx.query(statement('set local work_mem = 1024')),
      ]),
    )
    expect(rows).toEqual([[{a: 1}], [], [], [{c: 'x'}], []])
  })
})

describe('a text', () => {
  it.each([
    ['select 1', false],
    ['select 1;', false],
    ["select ';' ; -- end; of it\n", false],
    ['do $x$ begin perform 1; perform 2; end $x$', false],
    ['/* a; b */ select ";"', false],
    ['select 1; select 2', true],
    ["select 'a'; select 'b'", true],
  ])('%j may hold several statements: %s', (text, several) => expect(mayHoldSeveral(text)).toBe(several))
})
