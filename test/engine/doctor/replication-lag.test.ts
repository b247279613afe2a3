import {afterAll, beforeAll, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {sql, statement} from '../../../src/db/sql.js'
import {askDoctor} from '../../helpers/doctor.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

// The primary keeps WAL that the standby still needs: there is no slot.
const settings = {max_wal_size: '32MB'}
let primary: NativePostgres
let standby: NativePostgres
let [onPrimary, onStandby] = [] as Database[]

beforeAll(async () => {
  primary = await startPostgres18({settings: {...settings, wal_keep_size: '1GB'}})
  standby = await startPostgres18({standbyOf: primary, settings})
  onPrimary = await connect(targetOf(primary.url), {applicationName})
  onStandby = await connect(targetOf(standby.url), {applicationName})
}, 300_000)

afterAll(async () => {
  await onStandby?.close()
  await onPrimary?.close()
  await standby?.stop()
  await primary?.stop()
})

const lag = (db: Database) => askDoctor({db}, 'replication.lag')

it('replication.lag: a standby that does not replay is found on the primary and on itself, and its fix ends it', async () => {
  await expect.poll(async () => (await lag(onPrimary!)).status, {timeout: 30_000}).toBe('passed')
  expect((await lag(onStandby!)).status).toBe('passed')
  await onStandby!.query(statement('select pg_wal_replay_pause()'))
  await onPrimary!.autocommit(writing, sql`create table filler (t text)`)
  await onPrimary!.autocommit(writing, sql`alter table filler alter t set storage plain`)
  await onPrimary!.autocommit(writing, sql`insert into filler select repeat('x', 4000) from generate_series(1, 10000)`)
  // The standby says where it is every ten seconds, and when it has written what came.
  await expect.poll(async () => (await lag(onPrimary!)).status, {timeout: 30_000}).toBe('warning')
  await expect.poll(async () => (await lag(onStandby!)).status, {timeout: 30_000}).toBe('warning')
  const [there] = (await lag(onPrimary!)).findings
  const [here] = (await lag(onStandby!)).findings
  expect(there).toMatchObject({severity: 'warning', data: {state: 'streaming', limitBytes: 32 * 1024 ** 2}})
  expect(there!.data.behindBytes).toBeGreaterThan(32 * 1024 ** 2)
  expect(here).toMatchObject({data: {paused: true}, fix: {kind: 'sql', text: 'select pg_wal_replay_resume()'}})
  await onStandby!.query(statement(here!.fix.text))
  await expect.poll(async () => (await lag(onStandby!)).status, {timeout: 60_000}).toBe('passed')
  await expect.poll(async () => (await lag(onPrimary!)).status, {timeout: 60_000}).toBe('passed')
}, 240_000)

it('replication.lag: a role without pg_monitor does not know', async () => {
  await onPrimary!.autocommit(writing, sql`create role plain login`)
  const url = new URL(primary.url)
  url.username = 'plain'
  const db = await connect(targetOf(url.href), {applicationName})
  expect(await lag(db)).toMatchObject({
    status: 'unknown',
    missingFix: {kind: 'sql', text: 'grant pg_monitor to "plain"'},
  })
  await db.close()
  await onPrimary!.autocommit(writing, sql`grant pg_monitor to plain`)
  const again = await connect(targetOf(url.href), {applicationName})
  expect((await lag(again)).status).toBe('passed')
  await again.close()
})

it('replication.lag: a standby to which no WAL comes is found, though it has replayed all that it received', async () => {
  await onPrimary!.close()
  await primary.kill()
  await expect.poll(async () => (await lag(onStandby!)).status, {timeout: 30_000}).toBe('warning')
  const [found] = (await lag(onStandby!)).findings
  expect(found).toMatchObject({
    data: {state: 'stopped', replayedAt: expect.stringMatching(/^\d{4}-/)},
    fix: {kind: 'advice'},
  })
  await primary.start()
  onPrimary = await connect(targetOf(primary.url), {applicationName})
  await expect.poll(async () => (await lag(onStandby!)).status, {timeout: 60_000}).toBe('passed')
}, 180_000)
