import {rmSync, writeFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {connectionParameters, environmentNamesDatabase} from '../../../src/db/libpq.js'
import {OpsError} from '../../../src/errors.js'
import {directoryWith} from '../../helpers/files.js'

function refusal(url: string, env: Record<string, string> = {}): OpsError {
  try {
    connectionParameters(url, env)
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
  throw new Error(`${url} was taken`)
}

describe('a URL', () => {
  it.each([
    ['postgres://role@db1/market', {user: 'role', host: 'db1', dbname: 'market'}],
    [
      'postgresql://role:pw@db1:6432/market',
      {user: 'role', password: 'pw', host: 'db1', port: '6432', dbname: 'market'},
    ],
    ['postgres://[::1]:5433/market', {host: '::1', port: '5433', dbname: 'market'}],
    ['postgres://ro%20le:p%40w%2F@db1/a%2Fb%3Fc', {user: 'ro le', password: 'p@w/', host: 'db1', dbname: 'a/b?c'}],
    ['postgres:///market?host=/run/pg&port=5433', {host: '/run/pg', port: '5433', dbname: 'market'}],
    ['postgres://%2Frun%2Fpg/market', {host: '/run/pg', dbname: 'market'}],
    [
      'postgres://db1/market?sslmode=verify-full&sslrootcert=%2Fca.pem&connect_timeout=3',
      {host: 'db1', sslmode: 'verify-full', sslrootcert: '/ca.pem', connect_timeout: '3'},
    ],
  ])('%s is read as libpq reads it', (url, parameters) => {
    expect(connectionParameters(url, {})).toMatchObject(parameters)
  })

  it.each(
    [
      '',
      'db1',
      'mysql://db1/market',
      'http://db1',
      'postgres:/db1',
      'postgres://db1:port/market',
      'postgres://db1:99999999/market',
      'postgres://role:50%zz@db1/x%zz',
    ].filter(Boolean),
  )('%s is refused with what to write instead', (url) => {
    const error = refusal(url)
    expect(error).toMatchObject({code: 'BAD_URL', exitCode: 2})
  })
})

describe('the precedence of connection settings', () => {
  const directory = directoryWith({
    'pg_service.conf':
      '# ours\n[market]\nhost=db2\nport=6543\ndbname=ticks\nuser=reader\npassword=a;b="c\\d" #true\n\n[eu.market]\nhost=db3\n',
    'home/.pg_service.conf': '[home]\nhost=db4\n',
  })
  const file = {PGSERVICEFILE: `${directory}/pg_service.conf`}

  it('is the URL, then the service it names, then the environment', () => {
    const env = {...file, PGHOST: 'db0', PGUSER: 'env', PGDATABASE: 'envdb', PGSSLMODE: 'require', PGAPPNAME: 'x'}
    expect(connectionParameters('', env)).toMatchObject({host: 'db0', user: 'env', dbname: 'envdb', sslmode: 'require'})
    expect(connectionParameters('', {...env, PGSERVICE: 'market'})).toMatchObject({
      host: 'db2',
      port: '6543',
      user: 'reader',
      dbname: 'ticks',
      sslmode: 'require',
    })
    expect(connectionParameters('postgres://me@db1/mine?service=market', env)).toMatchObject({
      host: 'db1',
      port: '6543',
      user: 'me',
      dbname: 'mine',
      sslmode: 'require',
    })
    expect(connectionParameters('postgres://db1/mine?sslmode=disable', env)).toMatchObject({
      host: 'db1',
      user: 'env',
      sslmode: 'disable',
    })
  })

  it('a service with a dot in its name, a password with special characters, and the file in the home directory are found', () => {
    expect(connectionParameters('', {...file, PGSERVICE: 'eu.market'}).host).toBe('db3')
    expect(connectionParameters('', {...file, PGSERVICE: 'market'}).password).toBe('a;b="c\\d" #true')
    expect(connectionParameters('', {HOME: `${directory}/home`, PGSERVICE: 'home'}).host).toBe('db4')
  })

  it('an unknown service is an error that names the searched files', () => {
    const error = refusal('', {...file, PGSERVICE: 'nowhere'})
    expect(error).toMatchObject({code: 'NO_SERVICE', exitCode: 2})
    expect(error.message).toContain(`${directory}/pg_service.conf`)
  })

  it('PGHOSTADDR applies only to the host of the environment', () => {
    expect(connectionParameters('', {PGHOST: 'db0', PGHOSTADDR: '10.0.0.1'})).toMatchObject({
      host: 'db0',
      hostaddr: '10.0.0.1',
    })
    expect(connectionParameters('postgres://db1/market', {PGHOSTADDR: '10.0.0.1'}).hostaddr).toBeUndefined()
    expect(connectionParameters('', {PGHOSTADDR: '10.0.0.1'}).host).toBe('10.0.0.1')
  })

  it('without a host it is the Unix socket if there is one, else TCP', () => {
    const port = '64999'
    expect(connectionParameters('', {PGPORT: port}).host).toBe('localhost')
    const socket = `/tmp/.s.PGSQL.${port}`
    writeFileSync(socket, '')
    expect(connectionParameters('', {PGPORT: port}).host).toBe('/tmp')
    rmSync(socket)
    expect(connectionParameters(`postgres://db1:${port}/market`, {}).host).toBe('db1')
  })

  it('it is known whether the environment names a database', () => {
    expect(environmentNamesDatabase({PGHOST: 'db0'})).toBe(true)
    expect(environmentNamesDatabase({PGSERVICE: 'market'})).toBe(true)
    expect(environmentNamesDatabase({PGPASSWORD: 'x', PGSSLMODE: 'require', PGHOST: ''})).toBe(false)
  })

  it.each(['sslmod=require', 'ssl=true', 'sslcrl=%2Fcrl.pem'])(
    'refuses %s instead of connecting with less safety than was asked for',
    (parameter) => {
      expect(() => connectionParameters(`postgres://db1/x?${parameter}`, {})).toThrow(
        expect.objectContaining({code: 'TLS', exitCode: 2}),
      )
    },
  )
})
