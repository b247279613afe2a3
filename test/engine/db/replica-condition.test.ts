import {afterAll, beforeAll, expect, it} from 'vitest'
import {conditionLines} from '../../../src/cli/condition.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

let primary: NativePostgres
let standby: NativePostgres
const opened: Database[] = []

async function open({url}: NativePostgres): Promise<Database> {
  const db = await connect(targetOf(url), {applicationName})
  opened.push(db)
  return db
}

beforeAll(async () => {
  primary = await startPostgres18({settings: {wal_keep_size: '1GB'}})
  standby = await startPostgres18({standbyOf: primary})
}, 300_000)

afterAll(async () => {
  for (const db of opened) await db.close()
  await standby?.stop()
  await primary?.stop()
})

it('a standby says how old its data is, and its audit does not judge due times that it cannot know', async () => {
  const {db: onPrimary} = await withCore({db: await open(primary)})
  expect(onPrimary.server).toMatchObject({condition: [], replayedAt: null})
  // A due time every second, which no daemon starts.
  await onPrimary.autocommit(
    writing,
    statement("insert into qicore.job (name, kind, revision, last_at) values ('j', 'sql', 1, now())"),
  )
  await onPrimary.autocommit(
    writing,
    statement(`insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, actor)
      values ('j', 1, now(), 'active', 'daemon', '* * * * * *', 'UTC', 'x')`),
  )
  const reader = await open(standby)
  const audited = async (db: Database) => (await readAudit(db, null, null, 0)).jobs.map(({instants}) => instants)
  await expect
    .poll(async () => reader.query(statement("select from pg_tables where tablename = 'job_schedule'")))
    .toHaveLength(1)
  await expect.poll(async () => reader.query(statement('select from qicore.job_schedule'))).toHaveLength(1)
  await reader.query(statement('select pg_wal_replay_pause()'))
  await expect.poll(async () => (await audited(onPrimary))[0], {timeout: 10_000}).toBeGreaterThan(2)
  const [due] = await audited(reader)
  expect(due).toBeLessThan(2)

  const lagging = await open(standby)
  const [row] = await lagging.query<{at: string}>(statement('select pg_last_xact_replay_timestamp() as at'))
  expect(lagging.server).toMatchObject({replayedAt: row!.at, condition: [{code: 'replica', refuses: 'nothing'}]})
  const headline = conditionLines(lagging.server, null).join()
  expect(headline).toContain(`committed at ${row!.at}`)
  expect(headline).toContain('on the primary')
}, 120_000)
