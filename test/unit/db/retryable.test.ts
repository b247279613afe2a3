import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {isRetryable, ExitCode, OpsError} from '../../../src/errors.js'
import {isPermanent} from '../../../src/db/connect-error.js'
import {OwnCode, retryableOf, SqlState, toOpsError} from '../../../src/db/sqlstate.js'
import {root} from '../../helpers/build.js'

const coded = (code: string) => Object.assign(new Error('refused'), {code})

describe('an error says whether the same command may succeed later', () => {
  it.each([
    [ExitCode.done, false],
    [ExitCode.failed, null],
    [ExitCode.usage, false],
    [ExitCode.found, false],
    [ExitCode.cannotConnect, null],
    [ExitCode.lockHeld, true],
    [ExitCode.partial, null],
    [ExitCode.refused, false],
    [ExitCode.interrupted, true],
  ] as const)('by exit code %i alone: %s', (exit, retryable) => {
    expect(isRetryable('ANY', exit)).toBe(retryable)
    expect(JSON.parse(JSON.stringify(new OpsError('ANY', 'It failed.', {exit})))).toMatchObject({retryable})
  })

  it('for every exit code', () => {
    for (const exit of Object.values(ExitCode)) expect(isRetryable('ANY', exit)).not.toBeUndefined()
  })

  it.each([
    ...[SqlState.lockNotAvailable, SqlState.deadlock, SqlState.serialization, '53300', '55006'],
    ...['57P01', '57P03', '08006', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', OwnCode.connectionLost],
  ])('%s passes by itself', (code) => {
    expect(retryableOf(coded(code))).toBe(true)
    expect(toOpsError(coded(code), 'read t').toJSON().retryable).toBe(true)
  })

  it.each([
    ...['42P01', '42501', '42601', '22P02', '23505', '28P01', '3D000', '0A000', SqlState.readOnly],
    ...[OwnCode.badPassword, OwnCode.badTls],
  ])('%s fails the same way until something is changed', (code) => {
    expect(retryableOf(coded(code))).toBe(false)
    expect(toOpsError(coded(code), 'read t').toJSON().retryable).toBe(false)
  })

  it.each(['XX000', SqlState.canceled, '53100', 'ENOTFOUND', 'ENOENT', 'EIO', OwnCode.otherSession])(
    '%s does not say: null',
    (code) => {
      expect(retryableOf(coded(code))).toBeNull()
      expect(toOpsError(coded(code), 'read t').toJSON().retryable).toBeNull()
    },
  )

  it('and a usage error or a refusal is never retryable, whatever caused it', () => {
    expect(isRetryable('LOCKED', ExitCode.usage, true)).toBe(false)
    expect(isRetryable('PLAN_STALE', ExitCode.refused, true)).toBe(false)
  })

  it('and the daemon gives up if it is false, and only then', () => {
    const connect = (code: string) => new OpsError('CONNECT', 'x', {exit: 4, cause: coded(code)})
    expect(isPermanent(connect('28P01'))).toBe(true)
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', '57P03']) expect(isPermanent(connect(code)), code).toBe(false)
  })
})

it('the codes that override the exit code are codes of the program', () => {
  const sources = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n')
  const map = /const retryableByCode[^{]*\{([^}]*)\}/.exec(readFileSync(join(root, 'src/errors.ts'), 'utf8'))![1]!
  const codes = [...map.matchAll(/([A-Z_]+):/g)].map(([, code]) => code!)
  expect(codes.length).toBeGreaterThan(5)
  expect(codes.filter((code) => !sources.includes(`'${code}'`))).toEqual([])
})
