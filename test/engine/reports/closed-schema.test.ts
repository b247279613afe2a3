import {expect, it} from 'vitest'
import {readAggregates} from '../../../src/aggregates/list.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {days, declare, request} from '../../helpers/policies.js'
import {applicationName, targetOf} from '../../helpers/server.js'

/** Runs as a role that may read the schema open and nothing in the schema closed. */
async function asReader<T>({run, url, db}: TestDatabase, work: (reader: Database) => Promise<T>): Promise<T> {
  const role = `${db.server.database}_reader`
  await run(`create role ${role} login`)
  try {
    await run(`grant usage on schema open to ${role}; grant select on all tables in schema open to ${role}`)
    const asRole = new URL(url)
    asRole.username = role
    const reader = await connect(targetOf(asRole.href), {applicationName})
    try {
      return await work(reader)
    } finally {
      await reader.close()
    }
  } finally {
    await run(`drop owned by ${role} cascade`)
    await run(`drop role ${role}`)
  }
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a schema that the role may not read hides no other data, and the missing privilege is named', async () => {
    const database = await engine.database()
    const {run, autocommit} = database
    for (const schema of ['closed', 'open']) {
      await run(`create schema ${schema}; create table ${schema}.t (time timestamptz not null, v int)`)
      await run(`select create_hypertable('${schema}.t', by_range('time', interval '1 day'))`)
      await run(
        `insert into ${schema}.t select at, 1 from generate_series(timestamptz '2026-11-01 00:00+00', '2026-11-09 00:00+00', interval '1 hour') as at`,
      )
      await run(`create materialized view ${schema}.a with (timescaledb.continuous) as
select time_bucket('1 hour', time) as b, count(*) as n from ${schema}.t group by 1 with no data`)
      await autocommit(`call public.refresh_continuous_aggregate('${schema}.a', null, '2026-11-08 00:00+00')`)
      await run(`select drop_chunks('${schema}.t', timestamptz '2026-11-03 00:00+00')`)
      await run(
        `select add_continuous_aggregate_policy('${schema}.a', interval '60 days', interval '1 hour', interval '1 hour', initial_start => timestamptz '2100-01-01 00:00+00')`,
      )
      await run(`alter table ${schema}.t set (timescaledb.compress)`)
      await run(
        `select compress_chunk(c) from show_chunks('${schema}.t', older_than => timestamptz '2026-11-05 00:00+00') as c`,
      )
    }
    await asReader(database, async (reader) => {
      const role = reader.server.role
      const grants = `grant usage on schema closed to ${role}; grant select on closed.`
      const {aggregates, notes} = await readAggregates(reader, new Map())
      expect(aggregates.map(({schema, rawGone}) => [schema, rawGone])).toEqual([
        ['closed', null],
        ['open', true],
      ])
      expect(notes.join().replaceAll('"', '')).toContain(`${grants}a to ${role}`)
      expect(notes.join()).not.toContain('open.')

      const {policies} = await readPolicyStatus(reader, {declared: [], lateAfter: 0})
      const closed = policies.find(({schema}) => schema === 'closed')!
      expect(closed.ok).toBeNull()
      expect(closed.problems.find(({code}) => code === 'no_privilege')?.message.replaceAll('"', '')).toContain(
        `${grants}t to ${role}`,
      )
      expect(policies.find(({schema}) => schema === 'open')!.due).toBeGreaterThan(0)

      const compression = {after: days(7), segmentBy: null, orderBy: null}
      const declared = [declare('closed.t', {compression}), declare('open.t', {compression})]
      const plan = await planPolicies(reader, request(declared, {onlyLook: true}))
      expect(plan.plan.steps.map(({object}) => object)).toEqual(expect.arrayContaining(['closed.t', 'open.t']))
      expect(plan.notes.filter((note) => note.startsWith('policies apply will refuse'))).toEqual([
        expect.stringContaining('closed.t belongs to'),
      ])
      await expect(planPolicies(reader, request(declared))).rejects.toMatchObject({code: 'NO_PRIVILEGE'})
    })
  })
})
