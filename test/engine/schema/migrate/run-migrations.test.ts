import {expect, it, vi} from 'vitest'
import {runMigrations} from '../../../../src/index.js'
import {statement} from '../../../../src/db/sql.js'
import {connect} from '../../../../src/db/connect.js'
import {forEachEngine} from '../../../helpers/engines.js'
import {targetOf} from '../../../helpers/server.js'

forEachEngine({}, (engine) => {
  it('runMigrations creates the tables, and changes nothing the second time', async () => {
    const url = await engine.urlFor(async () => {})
    expect((await runMigrations(url)).applied.length).toBeGreaterThan(5)
    vi.stubEnv('DATABASE_URL', url)
    vi.stubEnv('QICORE_DB_URL', '')
    expect(await runMigrations()).toEqual({applied: []})
    vi.unstubAllEnvs()
    const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
    try {
      expect(await db.query(statement('select count(*)::int as exchanges from public.exchanges'))).toEqual([
        {exchanges: 4},
      ])
    } finally {
      await db.close()
    }
  })
})

it('runMigrations says what to do if no database is named', async () => {
  vi.stubEnv('DATABASE_URL', '')
  vi.stubEnv('QICORE_DB_URL', '')
  await expect(runMigrations()).rejects.toMatchObject({code: 'NO_DATABASE_NAMED', exitCode: 2})
  vi.unstubAllEnvs()
})
