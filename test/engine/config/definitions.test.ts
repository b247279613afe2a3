import {expect, it} from 'vitest'
import {definitionsFor} from '../../../src/config/definitions.js'
import {verifySchema} from '../../../src/schema/verify.js'
import {forEachEngine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

forEachEngine({kinds: ['postgres']}, (engine) => {
  it("definitions are QiCore's if its migrations are recorded, also if a table is gone, and if only its tables exist", async () => {
    const database = await engine.database()
    await expect(definitionsFor(database.db, null)).rejects.toMatchObject({code: 'NOTHING_DEFINED', exitCode: 2})
    await replay(database, ['core'])
    await database.db.probe()
    await expect(definitionsFor(database.db, null)).rejects.toMatchObject({code: 'NOTHING_DEFINED'})
    await replay(database, ['qicore'])
    expect((await definitionsFor(database.db, null)).whose).toEqual(['qicore'])
    await database.run(
      "insert into qicore.schema_versions (version, description, stream) values ('1.0.0', '', 'qicore'); drop table public.crypto_prices cascade",
    )
    const {definitions, whose} = await definitionsFor(database.db, null)
    expect(whose).toEqual(['qicore'])
    expect((await verifySchema(database.db, definitions)).map(({object, path}) => `${object} ${path}`)).toContain(
      'public.crypto_prices ',
    )
  })
})
