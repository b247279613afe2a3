import {expect, it} from 'vitest'
import {toOpsError, isConnectionLost, serverMessage} from '../../../src/db/sqlstate.js'
import {OpsError, usageError} from '../../../src/errors.js'
import {forEachEngine} from '../../helpers/engines.js'

forEachEngine({}, (engine) => {
  it('an error says what failed, on which object, and what the server said', async () => {
    const {run} = await engine.database()
    const explained = async (text: string) =>
      toOpsError(await run(text).catch((error: unknown) => error), 'read public.ohlcv_data')
    const missing = await explained('select * from public.ohlcv_data')
    expect(missing.message).toBe('Cannot read public.ohlcv_data: relation "public.ohlcv_data" does not exist [42P01]')
    expect(missing.exitCode).toBe(1)
    const noFunction = await explained('select no_such_function(1)')
    expect(noFunction).toMatchObject({code: 'NO_FUNCTION', exitCode: 1})
    expect(noFunction.suggestions[0]).toMatch(/^The server says: No function matches/)
    expect((await explained('create table t (x int primary key); insert into t values (1), (1)')).message).toContain(
      '(Key (x)=(1) already exists.)',
    )
  })

  it('a missing privilege is recognised', async () => {
    const {run, autocommit, db} = await engine.database()
    const role = `qicore_nobody_${process.pid}`
    await autocommit(`drop role if exists ${role}`)
    await autocommit(`create role ${role}`)
    await run('create table t (x int)')
    const error = await db
      .transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0, role}, (tx) =>
        tx.query({text: 'select * from public.t', values: []}),
      )
      .catch((thrown: unknown) => toOpsError(thrown, 'read public.t'))
    expect(error).toMatchObject({code: 'NO_PRIVILEGE', exitCode: 1})
    await autocommit(`drop role ${role}`)
  })
})

it('an error that is already an OpsError is passed on', () => {
  const known = usageError('X', 'known')
  expect(toOpsError(known, 'do')).toBe(known)
  expect(toOpsError(new TypeError('x is undefined'), 'do')).toBeInstanceOf(OpsError)
})

it('a password that a server or driver repeats is hidden', () => {
  const error = Object.assign(new Error('could not connect to postgres://u:hunter2@h/d'), {
    detail: 'host=h password=hunter2',
    hint: "use password='hunter2 x'",
  })
  const {message, suggestions} = toOpsError(error, 'connect')
  expect(message + suggestions.join()).not.toContain('hunter2')
  expect(serverMessage(error)).toContain('postgres://u:***@h/d')
})

it.each([
  [{code: '57P01'}, true],
  [{code: 'ECONNRESET'}, true],
  [
    {code: '0A000', message: 'extension "timescaledb" version mismatch: shared library version 2.28; SQL version 2.29'},
    false,
  ],
  [{code: '0A000', message: 'functionality not supported under the current "apache" license'}, false],
  [{code: 'CONNECTION_LOST'}, true],
  [{code: 'ETIMEDOUT'}, true],
  [{message: 'Connection terminated unexpectedly'}, false],
  [{code: '42P01', message: 'no such table'}, false],
  [null, false],
])('%j: lost connection %s', (error, lost) => {
  expect(isConnectionLost(error)).toBe(lost)
})
