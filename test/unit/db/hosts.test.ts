import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {hostsOf, mismatch, sessionAttributes, wantedAttributes} from '../../../src/db/hosts.js'
import {connectionParameters, connectTimeoutOf, type Environment} from '../../../src/db/libpq.js'
import {OpsError} from '../../../src/errors.js'

const hosts = (url: string, env: Environment = {}) =>
  hostsOf(connectionParameters(url, env)).map(({parameters: {host, port, hostaddr}}) =>
    hostaddr === undefined ? `${host} ${port}` : `${host} ${port} ${hostaddr}`,
  )

function refusal(work: () => unknown): OpsError {
  try {
    work()
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('several hosts', () => {
  it.each([
    ['postgres://db1/market', ['db1 5432']],
    ['postgres://db1,db2/market', ['db1 5432', 'db2 5432']],
    ['postgres://me:secret@db1:6432,db2/market', ['db1 6432', 'db2 5432']],
    ['postgres://db1,db2:6432/market?target_session_attrs=primary', ['db1 5432', 'db2 6432']],
    ['postgres://[::1]:5433,[::2],db3/market', ['::1 5433', '::2 5432', 'db3 5432']],
    ['postgres://%2Frun%2Fpg,db2:1/market', ['/run/pg 5432', 'db2 1']],
    ['postgres:///market?host=db1,db2&port=1,2', ['db1 1', 'db2 2']],
    ['postgres://db1,db2/market?port=7', ['db1 7', 'db2 7']],
    ['postgres://a,b/market?host=db1,db2&port=1,2', ['db1 1', 'db2 2']],
    ['postgres:///market?host=db1,db2&hostaddr=10.0.0.1,10.0.0.2', ['db1 5432 10.0.0.1', 'db2 5432 10.0.0.2']],
    ['postgres://db1,db2', ['db1 5432', 'db2 5432']],
  ])('%s names each host with its port', (url, expected) => {
    expect(hosts(url)).toEqual(expected)
  })

  it('each have the role, password, database and settings of the URL', () => {
    for (const {parameters} of hostsOf(
      connectionParameters('postgres://me:s%2Fcret@db1:1,db2:2/mar%20ket?sslmode=disable&connect_timeout=3', {}),
    ))
      expect(parameters).toMatchObject({
        user: 'me',
        password: 's/cret',
        dbname: 'mar ket',
        sslmode: 'disable',
        connect_timeout: '3',
      })
  })

  it('are read from the environment as from a URL; its port counts if the URL has none', () => {
    expect(hosts('', {PGHOST: 'db1,db2', PGPORT: '1,2'})).toEqual(['db1 1', 'db2 2'])
    expect(hosts('', {PGHOST: 'db1,db2', PGPORT: '7'})).toEqual(['db1 7', 'db2 7'])
    expect(hosts('postgres://db1,db2/market', {PGPORT: '7'})).toEqual(['db1 7', 'db2 7'])
    expect(hosts('postgres://db1,db2:1/market', {PGPORT: '7'})).toEqual(['db1 5432', 'db2 1'])
    expect(
      connectionParameters('', {PGHOST: 'a,b', PGTARGETSESSIONATTRS: 'standby', PGLOADBALANCEHOSTS: 'random'}),
    ).toMatchObject({target_session_attrs: 'standby', load_balance_hosts: 'random'})
  })

  it.each([
    'postgres:///market?host=db1,db2&port=1,2,3',
    'postgres:///market?host=db1,db2&hostaddr=10.0.0.1',
    'postgres://db1:port,db2/market',
    'postgres://db1:99999,db2/market',
    'postgres://db1,db2/market?load_balance_hosts=sometimes',
  ])('%s is refused, and no part of a password is shown', (url) => {
    const error = refusal(() => hosts(url.replace('//db1', '//me:hunter2@db1')))
    expect(error).toMatchObject({code: 'BAD_URL', exitCode: 2})
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })

  it('are tried in a random order if they are shuffled, and keep their place in the list', () => {
    const orders = new Set<string>()
    for (let round = 0; round < 200; round += 1) {
      const found = hostsOf(connectionParameters('postgres://a:1,b:2,c:3/x?load_balance_hosts=random', {}))
      expect(found.toSorted((a, b) => a.index - b.index).map(({parameters}) => parameters.host)).toEqual([
        'a',
        'b',
        'c',
      ])
      orders.add(found.map(({index}) => index).join(''))
    }
    expect([...orders].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
  })

  it('are parsed back unchanged, whatever their number', () => {
    const host = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,9}$/)
    const port = fc.option(fc.integer({min: 1, max: 65_535}), {nil: undefined})
    fc.assert(
      fc.property(fc.array(fc.record({host, port}), {minLength: 2, maxLength: 5}), (list) => {
        const url = `postgres://me@${list.map(({host, port}) => (port === undefined ? host : `${host}:${port}`)).join(',')}/x`
        expect(hosts(url)).toEqual(list.map(({host, port}) => `${host} ${port ?? 5432}`))
      }),
    )
  })
})

describe('target_session_attrs', () => {
  const primary = {inRecovery: false, readOnly: false}
  const readOnlyPrimary = {inRecovery: false, readOnly: true}
  const standby = {inRecovery: true, readOnly: true}

  it.each([
    ['any', true, true, true],
    ['read-write', true, false, false],
    ['read-only', false, true, true],
    ['primary', true, true, false],
    ['standby', false, false, true],
    ['prefer-standby', false, false, true],
  ] as const)('%s takes a primary: %s, a read-only one: %s, a standby: %s', (wanted, ...taken) => {
    expect([primary, readOnlyPrimary, standby].map((state) => mismatch(wanted, state) === null)).toEqual(taken)
  })

  it('is any by default, and an unknown value is refused', () => {
    expect(wantedAttributes({})).toBe('any')
    for (const known of sessionAttributes) expect(wantedAttributes({target_session_attrs: known})).toBe(known)
    expect(refusal(() => wantedAttributes({target_session_attrs: 'master'}))).toMatchObject({
      code: 'BAD_URL',
      exitCode: 2,
    })
  })
})

describe('connect_timeout', () => {
  it('is in seconds, 5 by default, unlimited if 0', () => {
    expect(['3', '0', '-1', undefined].map((given) => connectTimeoutOf({connect_timeout: given}))).toEqual([
      3_000, 0, 0, 5_000,
    ])
    expect(refusal(() => connectTimeoutOf({connect_timeout: 'soon'}))).toMatchObject({code: 'BAD_URL', exitCode: 2})
  })
})
