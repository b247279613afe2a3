import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {applicationName, targetOf, urlOfDatabase, writing} from '../../helpers/server.js'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it.each(['LATIN1', 'SQL_ASCII'])(
    'partitions of a database in %s are created, dropped and recorded',
    async (encoding) => {
      const {db, autocommit, url} = await engine.database()
      const name = `${db.server.database}_${encoding.toLowerCase()}`
      await autocommit(`create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`)
      try {
        const other = urlOfDatabase(url, name)
        const cli = (...args: string[]) => runCli([...args, '--url', other])
        const there = await connect(targetOf(other), {applicationName})
        await there.autocommit(
          writing,
          statement('create table "Maß" ("Zeit" timestamptz not null) partition by range ("Zeit")'),
        )
        await there.close()
        const created = await cli('partitions', 'create', '"Maß"', '--from', '2024-01', '--to', '2024-04', '--json')
        expect(created.exitCode).toBe(0)
        expect(jsonOf(created).steps).toHaveLength(5)
        const dropped = await cli('partitions', 'drop', '"Maß"', '--older-than', '1mon', '--confirm', name, '--json')
        expect([dropped.exitCode, jsonOf(dropped).error]).toEqual([0, undefined])
        const history = jsonOf(await cli('history', '--json'))
        expect(JSON.stringify(history)).toContain('Maß')
      } finally {
        await autocommit(`drop database ${name} with (force)`)
      }
    },
  )
})
