import {expect, it} from 'vitest'
import {citusCorrections, workerSettings} from '../../../src/db/citus-settings.js'
import {opening} from '../../../src/db/session.js'
import {readOnlySettings} from '../../../src/db/database.js'

const usual = {hides_shards: 'on', distributes_schemas: 'off', manages_tables: 'off'}

it('a database of Citus with the usual settings needs no correction', () => {
  expect(citusCorrections(usual)).toEqual([])
  // Citus 11 has no schemas that are distributed.
  expect(citusCorrections({...usual, distributes_schemas: null})).toEqual([])
})

it('a setting that would show shards as tables, or distribute the schema qicore, is corrected', () => {
  expect(citusCorrections({hides_shards: 'off', distributes_schemas: 'on', manages_tables: 'on'})).toEqual([
    ['citus.override_table_visibility', 'on'],
    ['citus.enable_schema_based_sharding', 'off'],
    ['citus.use_citus_managed_tables', 'off'],
  ])
})

it('a transaction on Citus sets its lock_timeout on the workers, by SET LOCAL, after it is allowed to reach them', () => {
  const session = {applicationName: 'test', corrections: [], workers: true}
  const sent = opening({...readOnlySettings, lockTimeout: 250}, session)
  // Only BEGIN READ ONLY reaches a worker: SET TRANSACTION READ ONLY does not.
  expect(sent[0]).toBe('begin isolation level read committed read only')
  expect(sent.slice(-2)).toEqual(workerSettings(250))
  expect(sent.at(-1)).toContain('set local lock_timeout = 250')
  expect(opening(readOnlySettings, {...session, workers: false}).join()).not.toContain('citus')
})
