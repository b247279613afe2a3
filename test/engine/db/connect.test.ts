import {createServer, type AddressInfo, type Socket} from 'node:net'
import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {readOnlySettings, type Notice} from '../../../src/db/database.js'
import {sql, statement} from '../../../src/db/sql.js'
import {toOpsError, isConnectionLost} from '../../../src/db/sqlstate.js'
import {OpsError} from '../../../src/errors.js'
import {forEachEngine} from '../../helpers/engines.js'
import {startRelay} from '../../helpers/relay.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const failure = async (work: Promise<unknown>): Promise<OpsError> => {
  const error = await work.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof OpsError)) throw error
  return error
}

forEachEngine({}, (engine) => {
  it('returns exact integers, decimals as text, instants with their zone, and all other values as the server prints them', async () => {
    const {db} = await engine.database()
    const [row] = await db.query(
      statement(`select 9007199254740991::int8 as int8, 0.1::numeric(20, 10) as numeric, 'NaN'::float8 as float8, true as bool, null::int as nothing,
        '2026-01-31 12:00+02'::timestamptz as instant, '2026-01-31 12:00'::timestamp as timestamp, '2026-01-31'::date as date,
        '1 mon 2 days 03:00:00'::interval as interval, array[1, 2]::int[] as list, '{"a": 1}'::jsonb as json`),
    )
    expect(row).toEqual({
      int8: 9_007_199_254_740_991,
      numeric: '0.1000000000',
      float8: Number.NaN,
      bool: true,
      nothing: null,
      instant: '2026-01-31T10:00:00Z',
      timestamp: '2026-01-31 12:00:00',
      date: '2026-01-31',
      interval: '1 mon 2 days 03:00:00',
      list: [1, 2],
      json: {a: 1},
    })
  })

  it('refuses an integer that a number cannot hold, and continues afterwards', async () => {
    const {db} = await engine.database()
    await expect(db.query(statement('select 9007199254740993::int8 as n'))).rejects.toThrow(/too large to be exact/)
    expect(await db.query(statement('select 1 as one'))).toEqual([{one: 1}])
  })

  it('reads in a transaction that cannot change anything', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const error = await db
      .query(statement('insert into public.t values (1)'))
      .catch((thrown: unknown) => toOpsError(thrown, 'write'))
    expect(error).toMatchObject({code: 'READ_ONLY', exitCode: 2})
  })

  it('leaves no setting behind, whether a transaction commits or not', async () => {
    const {db, autocommit} = await engine.database()
    const settings = () =>
      db.transaction({...readOnlySettings, lockTimeout: 50}, (tx) =>
        tx.query(
          statement(
            "select current_setting('lock_timeout') as lock, current_setting('search_path') as path, current_setting('timezone') as zone",
          ),
        ),
      )
    expect(await settings()).toEqual([{lock: '50ms', path: 'pg_catalog, pg_temp', zone: 'UTC'}])
    await db.transaction({...writing, lockTimeout: 7_000}, (tx) => tx.query(statement('select 1')))
    await db.transaction({...writing, lockTimeout: 7_000}, (tx) => tx.query(statement('select 1 / 0'))).catch(() => {})
    await autocommit('select 1')
    await db.autocommit({...writing, lockTimeout: 7_000}, statement('select 1 / 0')).catch(() => {})
    expect(await settings()).toEqual([{lock: '50ms', path: 'pg_catalog, pg_temp', zone: 'UTC'}])
  })

  it('rolls a failed transaction back, in the database and in its statements', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    await expect(
      db.transaction(writing, async (tx) => {
        await tx.query(statement('insert into t values (1)'))
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await run('select count(*) as n from t')).toEqual([{n: 0}])
  })

  it('runs transactions one after another in the order in which they were requested', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const slow = db.transaction(writing, async (tx) => {
      await tx.query(statement('insert into t values (1)'))
      await new Promise((resolve) => setTimeout(resolve, 50))
      return tx.query(statement('select count(*) as n from t'))
    })
    const next = db.transaction(writing, async (tx) => {
      await tx.query(statement('insert into t values (2)'))
      return tx.query(statement('select count(*) as n from t'))
    })
    expect(await slow).toEqual([{n: 1}])
    expect(await next).toEqual([{n: 2}])
  })

  it('runs nothing if BEGIN failed, and reports that failure', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const write = db.transaction({...writing, role: 'no such role'}, (tx) =>
      Promise.all([
        tx.query(statement('insert into public.t values (1)')),
        tx.query(statement('insert into public.t values (2)')),
      ]),
    )
    await expect(write).rejects.toMatchObject({
      code: 'NO_ROLE',
      exitCode: 2,
      message: expect.stringContaining('no such role'),
    })
    expect(await run('select * from t')).toEqual([])
  })

  it('fails with the first statement that was not awaited and failed, and rolls the rest back', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const heard: Notice[] = []
    const write = db.transaction({...writing, onNotice: (notice) => heard.push(notice)}, async (tx) => {
      await tx.query(statement('insert into public.t values (1)'))
      for (const value of ['1 / 0', '2', "'x'::int"]) void tx.query(statement(`insert into public.t values (${value})`))
    })
    await expect(write).rejects.toThrow('division by zero')
    // The embedded engine warns about every transaction that it aborts.
    expect(
      heard.map(({code}) => code),
      'no rollback of what is over',
    ).not.toContain('25P01')
    await db.transaction(writing, async (tx) => void tx.query(statement('insert into public.t values (7)')))
    expect(await run('select * from t')).toEqual([{x: 7}])
  })

  it('does not mistake a rollback for a commit, also if the failure was ignored', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const write = db.transaction(writing, async (tx) => {
      await tx.query(statement('insert into public.t values (1)'))
      await tx.query(statement('select 1 / 0')).catch(() => {})
    })
    await expect(write).rejects.toThrow('division by zero')
    expect(await run('select * from t')).toEqual([])
  })

  it("receives the server's notices only while it listens", async () => {
    const {db} = await engine.database()
    const heard: Notice[] = []
    const say = (word: string) => statement(`do $$ begin raise warning '${word}' using errcode = '01001'; end $$`)
    await db.transaction({...writing, onNotice: (notice) => heard.push(notice)}, (tx) => tx.query(say('one')))
    await db.transaction(writing, (tx) => tx.query(say('two')))
    await db.autocommit({...writing, onNotice: (notice) => heard.push(notice)}, say('three'))
    const routine = 'exec_stmt_raise'
    expect(heard).toEqual([
      {severity: 'WARNING', code: '01001', message: 'one', routine},
      {severity: 'WARNING', code: '01001', message: 'three', routine},
    ])
  })

  it('acts as the role of the target for one transaction', async () => {
    const {db, run, autocommit} = await engine.database()
    // Roles belong to the whole server.
    const role = `qicore_role_${process.pid}`
    await autocommit(`drop role if exists ${role}`)
    await autocommit(`create role ${role}`)
    await run(`grant create, usage on schema public to ${role}`)
    await db.transaction({...writing, role}, (tx) => tx.query(statement('create table owned (x int)')))
    expect(await run("select tableowner as owner from pg_tables where tablename = 'owned'")).toEqual([{owner: role}])
    expect(await run('select current_user = session_user as back')).toEqual([{back: true}])
    await run(`drop owned by ${role}`)
    await autocommit(`drop role ${role}`)
  })

  it('knows version, edition and settings of the server', async () => {
    const {db} = await engine.database()
    const {server} = db
    expect(server).toMatchObject({
      engine: engine.kind,
      embedded: !engine.native,
      inRecovery: false,
      superuser: true,
      pooled: false,
      hasQicoreSchema: false,
    })
    expect(server.timescaledbSchema).toBe(server.timescaledb === null ? null : 'public')
    expect(server.edition).toBe({timescaledb: 'community', apache: 'apache', citus: null, postgres: null}[engine.kind])
    expect(server.versionNum).toBeGreaterThanOrEqual(140_000)
    if (!engine.native) expect(server.workers).toBe('dead')
  })
})

forEachEngine({native: true}, (engine) => {
  it('detects a lost connection and opens a new one', async () => {
    const {db, run} = await engine.database()
    const [victim] = await run<{pid: number}>('select pg_backend_pid() as pid')
    const other = await db.openSession()
    await other.query(sql`select pg_terminate_backend(${victim!.pid}::int)`)
    await other.close()
    const error: unknown = await db.query(statement('select 1')).catch((thrown: unknown) => thrown)
    expect(isConnectionLost(error)).toBe(true)
    expect(toOpsError(error, 'ask')).toMatchObject({code: 'CONNECTION_LOST', exitCode: 4})
    await db.reconnect()
    expect(await db.query(statement('select 1 as one'))).toEqual([{one: 1}])
  })

  it('sends a query with its transaction in one round trip', async () => {
    const relay = await startRelay((await engine.database()).url)
    const db = await connect(targetOf(relay.url), {applicationName})
    relay.ways()
    expect(await db.query(sql`select ${1}::int as one`)).toEqual([{one: 1}])
    expect(relay.ways()).toBe(1)
    await db.transaction(writing, (tx) =>
      Promise.all([tx.query(sql`select ${1}::int`), tx.query(sql`select ${2}::int`)]),
    )
    // The commit was sent only after the awaited result.
    expect(relay.ways()).toBe(2)
    await db.close()
    await relay.close()
  })

  it('stops waiting for a lock and for time as its settings say', async () => {
    const {db, run} = await engine.database()
    await run('create table t (x int)')
    const other = await db.openSession()
    await other.transaction(writing, async (tx) => {
      await tx.query(statement('lock table public.t'))
      const locked = await db
        .query(statement('select * from public.t'))
        .catch((thrown: unknown) => toOpsError(thrown, 'read public.t'))
      expect(locked).toMatchObject({code: 'LOCKED', exitCode: 5})
    })
    await other.close()
    const slow = await db
      .transaction({...readOnlySettings, statementTimeout: 50}, (tx) => tx.query(statement('select pg_sleep(5)')))
      .catch((thrown: unknown) => toOpsError(thrown, 'wait'))
    expect(slow).toMatchObject({code: 'TIMEOUT', exitCode: 1})
  })
})

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('finds the extension in its schema', async () => {
    const {db} = await engine.database({timescaledb: {schema: 'Time Scale'}})
    expect(db.server.timescaledbSchema).toBe('Time Scale')
  })
})

describe('an address without a PostgreSQL server', () => {
  it('that accepts a connection and never answers fails after the timeout', async () => {
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => void sockets.add(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const {port} = silent.address() as AddressInfo
    const error = await failure(
      connect(targetOf(`postgres://me@127.0.0.1:${port}/x?connect_timeout=1&sslmode=disable`), {applicationName}),
    )
    expect(error).toMatchObject({code: 'CONNECT', exitCode: 4})
    expect(error.message).toContain(`127.0.0.1:${port}`)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('that speaks another protocol is reported as no PostgreSQL server', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    const {port} = web.address() as AddressInfo
    for (const parameters of ['', '?sslmode=disable', '?sslmode=require']) {
      const error = await failure(
        connect(targetOf(`postgres://me@127.0.0.1:${port}/x${parameters}`), {applicationName}),
      )
      expect(error).toMatchObject({code: 'CONNECT', exitCode: 4})
    }
    web.close()
  })

  it.each([
    ['postgres://me@127.0.0.1:1/x', /ECONNREFUSED/],
    ['postgres://me@no-such-host.invalid/x', /ENOTFOUND|EAI_AGAIN/],
    ['postgres:///x?host=/nowhere', /ENOENT/],
  ])('%s exits 4 with a suggestion', async (url, said) => {
    const error = await failure(connect(targetOf(url), {applicationName}))
    expect(error).toMatchObject({code: 'CONNECT', exitCode: 4})
    expect(error.message).toMatch(said)
    expect(error.suggestions.length).toBeGreaterThan(0)
  })
})
