import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Config} from '../../../src/config/load.js'
import {selectTargets} from '../../../src/config/select-targets.js'
import {resolveTarget} from '../../../src/config/target.js'
import {OpsError} from '../../../src/errors.js'

const config = {
  version: 1,
  targets: {
    paris: {url: 'postgres://a/x', protected: false},
    'prod-b': {url: 'postgres://b/x', protected: true, labels: {tier: 'gold'}},
    'prod-a': {url: '${PROD_A}', protected: false},
    tenants: {url: 'postgres://c/postgres', databases: 'tenant_*', role: 'owner', protected: false},
  },
  groups: {eu: {targets: ['prod-*', 'paris'], limits: {maxDropPerRun: 3}}},
  limits: {},
  tables: {},
  aggregates: {},
  jobs: {},
  file: '/etc/app/qicore-db.config.yaml',
  directory: '/etc/app',
} as unknown as Config

const databases = ['postgres', 'tenant_a', 'tenant_b']
const env = {PROD_A: 'postgres://secret:pass@a/x'}
const select = (targets: readonly string[] | 'all', read = async () => databases, variables = env as object) =>
  selectTargets(config, {targets}, variables as Record<string, string>, read)
const names = async (targets: readonly string[] | 'all') => (await select(targets)).map(({name}) => name)
const refusal = async (targets: readonly string[]) => {
  const error = await select(targets).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(OpsError)
  return error as OpsError
}

describe('the targets of a request', () => {
  it('are each selected once, in the order of the file', async () => {
    expect(await names('all')).toEqual(['paris', 'prod-b', 'prod-a', 'tenants/tenant_a', 'tenants/tenant_b'])
    expect(await names(['prod-a', 'prod-*', 'paris', 'prod-b'])).toEqual(['paris', 'prod-b', 'prod-a'])
    expect(await names(['eu'])).toEqual(['paris', 'prod-b', 'prod-a'])
    expect(await names(['tenants', 'tenants/tenant_a'])).toEqual(['tenants/tenant_a', 'tenants/tenant_b'])
    expect(await names(['ten*'])).toEqual(['tenants/tenant_a', 'tenants/tenant_b'])
    expect(await names(['*/*_b'])).toEqual(['tenants/tenant_b'])
  })

  it('have the address of their database, and the settings of their groups', async () => {
    const [database] = await select(['tenants/tenant_a'])
    expect(database).toMatchObject({
      name: 'tenants/tenant_a',
      target: {
        name: 'tenants/tenant_a',
        url: 'postgres://c/postgres',
        database: 'tenant_a',
        role: 'owner',
        source: '--targets',
      },
    })
    expect((await select(['prod-b']))[0]).toMatchObject({
      target: {protected: true},
      config: {limits: {maxDropPerRun: 3}, labels: {tier: 'gold'}},
    })
  })

  it('read no server to select one database by its name', async () => {
    const read = async () => {
      throw new Error('the server was read')
    }
    expect((await select(['tenants/tenant_z'], read)).map(({name}) => name)).toEqual(['tenants/tenant_z'])
    await expect(select(['tenants/*'], read)).rejects.toThrow('the server was read')
  })

  it('are a failure for a server that cannot be read, a variable that is not set and a pattern without a database', async () => {
    const read = async () => {
      throw new OpsError('CONNECT', 'no server there', {exit: 4})
    }
    const failed = (await select('all', read, {})).filter((each) => 'error' in each)
    expect(failed.map(({name, error}) => [name, error.code, error.exitCode])).toEqual([
      ['prod-a', 'UNSET_VARIABLE', 2],
      ['tenants', 'CONNECT', 4],
    ])
    expect(await select(['tenants/x*'], read)).toMatchObject([{name: 'tenants', error: {code: 'CONNECT'}}])
    expect(await select(['tenants'], async () => ['postgres'])).toMatchObject([
      {name: 'tenants', error: {code: 'NO_DATABASES'}},
    ])
  })
})

describe('a selection that selects nothing', () => {
  it.each([
    [['nowhere', 'paris'], '"nowhere"'],
    [['test-*'], '"test-*"'],
    [['paris/x'], '"paris/x"'],
    [['tenants/other'], '"tenants/other"'],
    [['tenants/tenant_q*'], '"tenants/tenant_q*"'],
    [['constructor'], '"constructor"'],
  ])('%j is refused, and the error lists what exists', async (targets, named) => {
    const {code, exitCode, message, suggestions} = await refusal(targets)
    expect({code, exitCode}).toEqual({code: 'NO_SUCH_TARGET', exitCode: 2})
    expect(message).toContain(named)
    expect(suggestions.join('\n')).toContain('paris, prod-b, prod-a, tenants')
    expect(suggestions.join('\n')).toContain('eu')
  })

  it('is refused without a configuration or without targets', async () => {
    await expect(selectTargets(null, {targets: 'all'}, {})).rejects.toMatchObject({code: 'NO_SUCH_TARGET'})
    await expect(selectTargets({...config, targets: {}}, {targets: 'all'}, {})).rejects.toMatchObject({
      code: 'NO_SUCH_TARGET',
    })
  })
})

describe('--target', () => {
  const one = (target: string) => resolveTarget({target, changes: true}, env, config, '/')

  it('takes one database of a server by its name', () => {
    expect(one('tenants/tenant_a')).toMatchObject({name: 'tenants/tenant_a', database: 'tenant_a', source: '--target'})
  })

  it.each(['tenants', 'tenants/other', 'eu', 'paris/x', 'prod-*'])('refuses %s, which is not one database', (name) => {
    expect(() => one(name)).toThrow(expect.objectContaining({code: 'NO_SUCH_TARGET'}))
  })
})

it('a selection of any names and patterns is a part of all targets, in the same order and without duplicates', async () => {
  const all = await names('all')
  const selector = fc.constantFrom('paris', 'p*', 'prod-?', '*', 'eu', 'tenants', 'tenants/*', '*/tenant_a', 't*/*_b')
  await fc.assert(
    fc.asyncProperty(fc.array(selector, {minLength: 1, maxLength: 5}), async (targets) => {
      const some = await names(targets)
      expect(some).toEqual(all.filter((name) => some.includes(name)))
      // Each selector alone selects a part of it, and together they select nothing else.
      const parts = await Promise.all(targets.map((each) => names([each])))
      expect(new Set(some)).toEqual(new Set(parts.flat()))
    }),
  )
})

it('lists of databases are read a few at a time, and one that does not answer fails its target only', async () => {
  const names = Array.from({length: 9}, (_, n) => `server${n}`)
  const many = {
    ...config,
    targets: Object.fromEntries(
      names.map((name) => [name, {url: `postgres://${name}/x`, databases: 'tenant_*', protected: false}]),
    ),
  } as unknown as Config
  let [running, most] = [0, 0]
  const stopped: string[] = []
  const read = async ({name}: {name: string | null}, stop: AbortSignal) => {
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => {
      if (name === 'server3') stop.addEventListener('abort', () => resolve(void stopped.push(name)))
      else setImmediate(resolve)
    })
    running -= 1
    return databases
  }
  const selected = await selectTargets(many, {targets: 'all', parallel: 3, timeout: 100}, {}, read)
  expect(most).toBe(3)
  expect(stopped).toEqual(['server3'])
  expect(
    selected.filter((each) => 'error' in each).map((each) => [each.name, 'error' in each && each.error.code]),
  ).toEqual([['server3', 'TARGET_TIMEOUT']])
  expect(selected).toHaveLength(2 * (names.length - 1) + 1)
})
