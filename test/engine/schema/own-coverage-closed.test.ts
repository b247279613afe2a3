import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'
import {ticks} from '../../helpers/policies-ticks.js'
import {applicationName, targetOf} from '../../helpers/server.js'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('own_coverage never reports a range as covered to a role that may not read the schema of an aggregate', async () => {
    const {db, url, run} = await ticks(engine, "timestamptz '2026-11-20 00:00+00'")
    const role = `${db.server.database}_reader`
    await run('create schema closed; alter view public.daily set schema closed')
    await run("update qicore.aggregates set view = 'closed.daily'")
    await run(`create role ${role} login; grant usage on schema qicore to ${role}`)
    await run(`grant select on all tables in schema qicore, public to ${role}`)
    const asRole = new URL(url)
    asRole.username = role
    const reader = await connect(targetOf(asRole.href), {applicationName})
    const ask = () =>
      reader.query<{view: string; gaps: string}>(
        statement("select view, gaps from qicore.own_coverage('public.ticks', '{0}', '{1}', 2)"),
      )
    try {
      await expect(ask()).rejects.toMatchObject({
        message: expect.stringContaining('permission denied for schema closed'),
      })
      await run(`grant usage on schema closed to ${role}`)
      expect(await ask()).toEqual([{view: 'daily', gaps: expect.stringMatching(/^\{\[/)}])
    } finally {
      await reader.close()
      await run(`drop owned by ${role} cascade; drop role ${role}`)
    }
  })
})
