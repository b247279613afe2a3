import {expect, it} from 'vitest'
import {aroundChunks} from '../../../src/cli/render/chunks.js'
import {aroundStats} from '../../../src/cli/render/stats.js'
import {connect} from '../../../src/db/connect.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine} from '../../helpers/engines.js'
import {days, declare} from '../../helpers/policies.js'
import {replay} from '../../helpers/schema-replay.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const request = {lateAfter: 0, timeUnits: new Map(), fast: false, managed: new Set<string>()}

/** The text of the lines, without styles. */
const text = (lines: object) => JSON.stringify(lines)

forEachEngine({native: true}, (engine) => {
  it('a role that may not read qicore.policies sees unknown policies and work, never "none" or 0', async () => {
    const database = await engine.database()
    await replay(database)
    const {db, run, url} = database
    const role = `${db.server.database}_blind`
    await run(`create role ${role} login`)
    const asRole = new URL(url)
    asRole.username = role
    const blind = await connect(targetOf(asRole.href), {applicationName})
    try {
      const stats = await readStats(blind, request)
      expect(stats.tables.length).toBeGreaterThan(0)
      for (const {policies, late, paused, nextDrop} of stats.tables)
        expect({policies, nextDrop, paused, late: late === 0}).toEqual({
          policies: null,
          nextDrop: null,
          paused: null,
          late: false,
        })
      expect(text(aroundStats(stats))).toContain('grant usage on schema qicore')
      const {tables} = await readStats(db, request)
      expect(tables.every(({policies}) => policies !== null)).toBe(true)

      const late = await readChunkStats(blind, {...request, late: true})
      expect(late).toMatchObject({chunks: [], unknownChunks: late.totalChunks})
      const all = await readChunkStats(blind, {...request, late: false})
      expect(all.chunks.filter(({due}) => due !== null)).toEqual([])
      expect(text(aroundChunks({...late, totalChunks: 3, unknownChunks: 3}, true))).toContain('3 of 3 chunks unknown')
    } finally {
      await blind.close()
      await run(`drop owned by ${role} cascade`)
      await run(`drop role ${role}`)
    }
  })
})

forEachEngine({}, (engine) => {
  it('what a policy that is declared and not live should have done is unknown, not 0', async () => {
    const {db, run} = await engine.database()
    await run('create table t (time timestamptz not null) partition by range (time)')
    const declared = [declare('public.t', {retention: {after: days(7), native: false}})]
    const {policies} = await readPolicyStatus(db, {declared, lateAfter: 0})
    expect(policies).toMatchObject([{kind: 'retention', ok: false, due: null, notDone: null}])
  })
})
