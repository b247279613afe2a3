import {describe, expect, it} from 'vitest'
import type {Config} from '../../../src/config/load.js'
import {resolveTarget, reportTarget, targetLabel} from '../../../src/config/target.js'

const config = {
  version: 1,
  default: 'local',
  targets: {
    local: {url: 'embedded:.qicore/db', protected: false},
    prod: {url: '${PROD_URL}', directUrl: '${PROD_DIRECT}', role: 'owner', protected: true},
  },
  groups: {},
  limits: {},
  tables: {},
  aggregates: {},
  jobs: {},
  file: '/etc/app/qicore-db.config.yaml',
  directory: '/etc/app',
} as Config

const everything = {
  QICORE_DB_URL: 'postgres://q/1',
  DATABASE_URL: 'postgres://d/2',
  PGHOST: 'p',
  PROD_URL: 'postgres://prod/x',
  PROD_DIRECT: 'postgres://direct/x',
}
const resolve = (
  request: {url?: string; target?: string; changes?: boolean},
  env: Record<string, string> = {},
  from: Config | null = config,
) => resolveTarget({changes: false, ...request}, env, from, '/home/me')

describe('which database a command works on', () => {
  it('is decided by one order of precedence', () => {
    const env: Record<string, string> = {...everything}
    expect(resolve({url: 'postgres://u/0'}, env)).toMatchObject({url: 'postgres://u/0', source: '--url', name: null})
    expect(resolve({target: 'prod'}, env)).toMatchObject({
      url: 'postgres://prod/x',
      directUrl: 'postgres://direct/x',
      role: 'owner',
      protected: true,
      source: '--target',
    })
    expect(resolve({}, env)).toMatchObject({url: 'postgres://q/1', source: 'QICORE_DB_URL'})
    delete env.QICORE_DB_URL
    expect(resolve({}, env)).toMatchObject({url: 'postgres://d/2', source: 'DATABASE_URL'})
    delete env.DATABASE_URL
    expect(resolve({}, env)).toMatchObject({url: '', source: 'libpq'})
    delete env.PGHOST
    expect(resolve({}, env)).toMatchObject({url: 'embedded:/etc/app/.qicore/db', source: 'config', name: 'local'})
  })

  it('is taken from QICORE_TARGET as from --target, and QICORE_DB_URL together with it is refused', () => {
    const env = {...everything, QICORE_DB_URL: '', QICORE_TARGET: 'prod'}
    expect(resolve({changes: true}, env)).toMatchObject({name: 'prod', source: 'QICORE_TARGET', protected: true})
    expect(resolve({url: 'postgres://u/0'}, env)).toMatchObject({source: '--url'})
    expect(() => resolve({}, {...env, QICORE_DB_URL: 'postgres://q/1'})).toThrow(/cannot be used together/)
  })

  it('has the role of --role, QICORE_ROLE or the target, whatever names the database', () => {
    const env = {...everything, QICORE_ROLE: 'from_env'}
    const request = {changes: true, target: 'prod'}
    expect(resolveTarget({...request, role: 'typed'}, env, config, '/').role).toBe('typed')
    expect(resolveTarget(request, env, config, '/').role).toBe('from_env')
    expect(resolveTarget(request, everything, config, '/').role).toBe('owner')
    expect(resolve({url: 'postgres://u/0'}, {QICORE_ROLE: 'from_env'}).role).toBe('from_env')
    expect(resolve({url: 'postgres://u/0'}).role).toBeUndefined()
  })

  it('resolves embedded paths of flags and environment against the working directory', () => {
    expect(resolve({url: 'embedded:x/y'}).url).toBe('embedded:/home/me/x/y')
    expect(resolve({}, {QICORE_DB_URL: 'embedded:/abs'}).url).toBe('embedded:/abs')
  })

  it('takes no URL for the directory of an embedded database, and does not repeat it', () => {
    const refusal = {code: 'BAD_URL', exitCode: 2, message: 'After "embedded:" a directory must follow, not a URL.'}
    expect(() => resolve({url: 'embedded:postgres://me:secret@h/d'})).toThrowError(expect.objectContaining(refusal))
  })

  it.each([
    ['DATABASE_URL', {DATABASE_URL: 'postgres://stray/x'}],
    ["libpq's", {PGHOST: 'stray'}],
  ])('is refused for a change if it comes from %s and the configuration has targets', (named, env) => {
    expect(() => resolve({changes: true}, env)).toThrow(
      expect.objectContaining({code: 'STRAY_URL', exitCode: 2, message: expect.stringContaining(named) as string}),
    )
    expect(resolve({changes: true}, env, null).source).not.toBe('config')
    expect(resolve({changes: true}, {...env, QICORE_DB_URL: 'postgres://q/1'}).source).toBe('QICORE_DB_URL')
  })

  it('an unset variable fails only the target that uses it', () => {
    expect(resolve({target: 'local'}).name).toBe('local')
    expect(() => resolve({target: 'prod'}, {PROD_URL: 'postgres://prod/x'})).toThrow(/PROD_DIRECT/)
  })

  it('no database named: the error suggests three ways to name one', () => {
    expect(() => resolve({}, {}, null)).toThrow(
      expect.objectContaining({
        exitCode: 2,
        suggestions: expect.toSatisfy((list: string[]) => list.length === 3) as string[],
      }),
    )
  })

  it("only the configuration's own keys are targets", () => {
    expect(() => resolve({target: '__proto__'})).toThrow(/no target/)
    expect(() => resolve({target: 'x'}, {}, null)).toThrow(/no configuration/)
  })

  it('has one form in reports: the name, else the URL without user and password, also if libpq names the database', () => {
    const server = {host: 'db1', port: 5432, database: 'market data'}
    const shown = (
      target: Parameters<typeof reportTarget>[0]['target'],
      over: Partial<typeof server> | {host: null; port: null} = {},
    ) => reportTarget({target, server: {...server, ...over} as Parameters<typeof reportTarget>[0]['server']})
    expect(
      shown(resolve({target: 'prod'}, {PROD_URL: 'postgres://u:geheim@prod/x', PROD_DIRECT: 'postgres://direct/x'})),
    ).toBe('prod')
    expect(shown(resolve({url: 'postgres://u:geheim@h/x'}))).toBe('postgres://h/x')
    const libpq = resolve({}, {PGHOST: 'db1'}, null)
    expect(targetLabel(libpq)).toBeNull()
    expect(shown(libpq)).toBe('postgres://db1:5432/market%20data')
    expect(shown(libpq, {host: '::1'})).toBe('postgres://[::1]:5432/market%20data')
    expect(shown(libpq, {host: null, port: null})).toBe('postgres:///market%20data')
  })

  it('an empty --url, which an unset variable leaves, is refused instead of falling back to libpq', () => {
    expect(() => resolve({url: '', changes: true}, {PGHOST: 'prod'})).toThrow(
      expect.objectContaining({code: 'BAD_URL', exitCode: 2}),
    )
  })
})

describe('the store of exports', () => {
  const aws = {AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000', AWS_ENDPOINT_URL: 'http://other', AWS_REGION: 'eu-west-1'}

  it('is that of the environment, for a URL and for a target of the configuration', () => {
    const store = {endpoint: 'http://127.0.0.1:9000', region: 'eu-west-1'}
    expect(resolve({url: 'postgres://q/1'}, aws).objectStore).toEqual(store)
    expect(
      resolve({target: 'prod'}, {...aws, PROD_URL: 'postgres://p', PROD_DIRECT: 'postgres://d'}).objectStore,
    ).toEqual(store)
  })

  it('is that of AWS if the environment names none', () => {
    expect(resolve({url: 'postgres://q/1'}, {AWS_REGION: ''}).objectStore).toBeUndefined()
    expect(resolve({url: 'postgres://q/1'}, {AWS_DEFAULT_REGION: 'eu-west-1'}).objectStore).toEqual({
      region: 'eu-west-1',
    })
  })
})
