import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {examine, selectChecks} from '../../../src/doctor/examine.js'
import type {DoctorReport} from '../../../src/doctor/report.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {expectCommandsParse} from '../../helpers/printed.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const request = {declared: [], lateAfter: 6 * 3_600_000, timeUnits: new Map()}
const all = (db: Database): Promise<DoctorReport> => examine(db, request, selectChecks({only: [], skip: []}))
const found = ({checks}: DoctorReport) => checks.filter(({findings}) => findings.length > 0).map(({id}) => id)

/** Each fault is of another subject; what makes it stands beside the check that has to find it. */
const faults: readonly (readonly [id: string, make: (database: TestDatabase) => Promise<unknown>])[] = [
  [
    'policies.paused',
    ({run}) => run("select alter_job(add_retention_policy('old', interval '90 days'), scheduled => false)"),
  ],
  [
    'policies.job_procedure_gone',
    async ({run}) => {
      await run("create procedure nightly(job_id int, config jsonb) language sql as 'select 1'")
      await run("select add_job('nightly', interval '1 day', initial_start => timestamptz '2100-01-01 00:00+00')")
      await run('drop procedure nightly')
    },
  ],
  ['chunks.far_dates', ({run}) => run("insert into ticks values ('2099-01-01', 1)")],
  [
    'aggregates.never_refreshed',
    ({autocommit}) =>
      autocommit(
        "create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, max(v) from ticks group by 1 with no data",
      ),
  ],
  ['indexes.duplicate', ({run}) => run('create index plain_a on plain (v); create index plain_b on plain (v)')],
  [
    'partitions.now_missing',
    ({run}) =>
      run(
        "create table ended (time timestamptz not null) partition by range (time); create table ended_2026_01 partition of ended for values from ('2026-01-01') to ('2026-02-01')",
      ),
  ],
  [
    'partitions.default_rows',
    ({run}) =>
      run(
        "create table spill (time timestamptz not null) partition by range (time); create table spill_2026_01 partition of spill for values from ('2026-01-01') to ('2026-02-01'); create table spill_default partition of spill default; insert into spill values ('2020-01-01')",
      ),
  ],
  [
    'replication.chunks_not_published',
    async ({run, autocommit}) => {
      await autocommit('create publication feed for table ticks')
      await run("insert into ticks values ('2024-03-01', 1)")
    },
  ],
  [
    'settings.event_triggers',
    async ({run, autocommit}) => {
      await run("create function forbid() returns event_trigger language plpgsql as 'begin end'")
      await autocommit("create event trigger no_drops on sql_drop when tag in ('DROP VIEW') execute function forbid()")
    },
  ],
  [
    'condition.compressed_rows_hidden',
    async ({autocommit, db}) => {
      await autocommit(`alter database ${db.server.database} set timescaledb.enable_transparent_decompression = off`)
      await db.probe()
    },
  ],
]

async function plant(database: TestDatabase): Promise<void> {
  await database.run(`
    create table ticks (time timestamptz not null, v float);
    create table old (time timestamptz not null, v float);
    create table plain (v int)`)
  for (const table of ['ticks', 'old'])
    await database.run(`select create_hypertable('${table}', 'time', chunk_time_interval => interval '1 day')`)
  await database.run(
    "insert into ticks select t, 1 from generate_series(timestamptz '2024-01-01', '2024-01-03', '1 day') t",
  )
  const before = found(await all(database.db))
  for (const [id] of faults) expect(before, 'nothing is planted yet').not.toContain(id)
  for (const [, make] of faults) await make(database)
}

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('finds ten planted faults, each of another subject, and what it prints parses', async () => {
    const database = await engine.database()
    try {
      await plant(database)
      const report = await all(database.db)
      expect(faults).toHaveLength(10)
      expect(found(report)).toEqual(expect.arrayContaining(faults.map(([id]) => id)))
      for (const {findings} of report.checks)
        for (const {message, fix} of findings) await expectCommandsParse(`${message}\n${fix.text}`)
    } finally {
      await database.autocommit('drop event trigger if exists no_drops')
      await database.autocommit(`alter database ${database.db.server.database} reset all`)
      await database.db.probe()
    }
  }, 120_000)
})

const noPooler = noPgbouncer()

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('finds the same through PgBouncer in transaction mode', async (context) => {
    if (noPooler !== null) return context.skip(noPooler)
    const database = await engine.database()
    await plant(database)
    const {hostname, port, pathname} = new URL(database.url)
    const pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)})
    try {
      const db = await connect(targetOf(`postgres://postgres@127.0.0.1:${pooler.port}${pathname}`), {applicationName})
      expect(db.server.pooled).toBe(true)
      const statuses = ({checks}: DoctorReport) => Object.fromEntries(checks.map(({id, status}) => [id, status]))
      const report = await all(db)
      await db.close()
      expect(found(report)).toEqual(expect.arrayContaining(faults.map(([id]) => id)))
      // What it cannot know through a pooler it says, and finds nothing that is not there.
      const straight = statuses(await all(database.db))
      expect(statuses(report)).toEqual(straight)
    } finally {
      await pooler.stop()
    }
  }, 120_000)

  it('says UNKNOWN with a grant to a role without rights, never PASSED, and each grant ends it', async () => {
    const database = await engine.database()
    await plant(database)
    const role = `${database.db.server.database}_plain`
    await database.autocommit(`create role ${role} login`)
    const url = new URL(database.url)
    url.username = role
    const asRole = async () => {
      const db = await connect(targetOf(url.href), {applicationName})
      return all(db).finally(() => db.close())
    }
    try {
      const unknown = (await asRole()).checks.filter(({status}) => status === 'unknown')
      expect(unknown.every(({missing}) => missing !== null && missing !== '')).toBe(true)
      const fixes = [
        ...new Set(unknown.flatMap(({missingFix}) => (missingFix?.kind === 'sql' ? [missingFix.text] : []))),
      ]
      const grants = fixes.filter((text) => text.startsWith('grant '))
      expect(
        grants.some((text) => text.startsWith('grant select on ')),
        'the right to read rows',
      ).toBe(true)
      for (const text of grants)
        await database.db.autocommit({readOnly: false, lockTimeout: 10_000, statementTimeout: 60_000}, statement(text))
      const after = new Map((await asRole()).checks.map(({id, missingFix}) => [id, missingFix?.text]))
      for (const {id, missingFix} of unknown)
        if (missingFix !== null && grants.includes(missingFix.text))
          expect(after.get(id), `${id} does not ask for the same grant again`).not.toBe(missingFix.text)
    } finally {
      await database.autocommit(`drop owned by ${role}`)
      await database.autocommit(`drop role ${role}`)
    }
  }, 120_000)
})
