import {describe, expect, it} from 'vitest'
import type {Config} from '../../../src/config/load.js'
import {demoPlace, flagsFor} from '../../../src/qicore/demo/place.js'

const configOf = (targets: Record<string, string>, byDefault?: string) =>
  ({
    version: 1,
    default: byDefault,
    targets: Object.fromEntries(Object.entries(targets).map(([name, url]) => [name, {url, protected: false}])),
    file: '/app/qicore-db.config.yaml',
    directory: '/app',
  }) as unknown as Config
const flags = (config: Config | null, env: Record<string, string> = {}) =>
  flagsFor(demoPlace(config, '/app'), config, env)

describe('the flags with which other commands find the demo', () => {
  it('are none if the demo is the default target', () => {
    expect(flags(null)).toEqual({})
    expect(flags(configOf({local: 'embedded:.qicore/db'}, 'local'))).toEqual({})
  })

  it('name the target if the environment or another default would take precedence', () => {
    for (const variable of ['QICORE_DB_URL', 'DATABASE_URL', 'PGHOST', 'PGSERVICE'])
      expect(flags(null, {[variable]: 'x'}), variable).toEqual({target: 'local'})
    expect(flags(configOf({local: 'embedded:.qicore/db', prod: 'postgres://h/d'}, 'prod'))).toEqual({target: 'local'})
    expect(flags(configOf({local: 'embedded:.qicore/db'}))).toEqual({target: 'local'})
  })

  it('are the URL if the configuration has no target for it', () => {
    expect(flags(configOf({prod: 'postgres://h/d'}, 'prod'))).toEqual({url: 'embedded:/app/.qicore/db'})
    expect(flags(configOf({local: 'postgres://h/d'}, 'local'))).toEqual({url: 'embedded:/app/.qicore/db'})
  })
})
