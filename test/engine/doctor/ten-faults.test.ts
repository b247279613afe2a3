import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import type {Server} from '../../../src/db/server.js'
import {statement} from '../../../src/db/sql.js'
import {groupOf, groups, type Check} from '../../../src/doctor/check.js'
import {examine, selectChecks} from '../../../src/doctor/examine.js'
import type {DoctorReport} from '../../../src/doctor/report.js'
import {isAffected} from '../../../src/run/hazards/hazard.js'
import {knownHazards} from '../../../src/run/hazards/known.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {expectCommandsParse} from '../../helpers/printed.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const request = {declared: [], lateAfter: 6 * 3_600_000, timeUnits: new Map()}
const all = (db: Database): Promise<DoctorReport> => examine(db, request, selectChecks({only: [], skip: []}))
/** The id of each check with findings; of a known defect with its id behind it. */
const found = ({checks}: DoctorReport) =>
  checks.flatMap(({id, findings}) =>
    groupOf({id: id as Check['id']}) === 'hazards'
      ? findings.map(({data}) => `${id} ${data.id}`)
      : findings.slice(0, 1).map(() => id),
  )

const defect = knownHazards.find(({id}) => id === 'timescaledb-10254')!

interface Fault {
  id: string
  make(database: TestDatabase): Promise<unknown>
  /** Why a server cannot have it; null if it can. */
  impossible?(server: Server): string | null
}

/** One fault of each group of checks; what makes it is beside the check that has to find it. */
const faults: readonly Fault[] = [
  {
    id: 'policies.paused',
    make: ({run}) => run("select alter_job(add_retention_policy('old', interval '90 days'), scheduled => false)"),
  },
  {
    id: 'workers.together',
    make: async ({run}) => {
      await run("create procedure nothing(job_id int, config jsonb) language sql as 'select 1'")
      await run(
        "select add_job('nothing', interval '1 year', initial_start => timestamptz '2100-01-01 00:00+00') from generate_series(1, current_setting('timescaledb.max_background_workers')::int)",
      )
    },
    impossible: ({embedded}) => (embedded ? 'the embedded engine has no workers' : null),
  },
  {
    id: 'chunks.far_dates',
    make: ({run}) => run("insert into ticks values ('2099-01-01', 1)"),
  },
  {
    id: 'aggregates.never_refreshed',
    make: ({autocommit}) =>
      autocommit(
        "create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, max(v) from ticks group by 1 with no data",
      ),
  },
  {
    id: 'indexes.duplicate',
    make: ({run}) => run('create index plain_a on plain (v); create index plain_b on plain (v)'),
  },
  {
    id: 'partitions.default_rows',
    make: ({run}) =>
      run(
        "create table spill (time timestamptz not null) partition by range (time); create table spill_2026_01 partition of spill for values from ('2026-01-01') to ('2026-02-01'); create table spill_default partition of spill default; insert into spill values ('2020-01-01')",
      ),
  },
  {
    id: 'replication.chunks_not_published',
    make: async ({run, autocommit}) => {
      await autocommit('create publication feed for table ticks')
      await run("insert into ticks values ('2024-03-01', 1)")
    },
  },
  {
    id: 'settings.event_triggers',
    make: async ({run, autocommit}) => {
      await run("create function forbid() returns event_trigger language plpgsql as 'begin end'")
      await autocommit("create event trigger no_drops on sql_drop when tag in ('DROP VIEW') execute function forbid()")
    },
  },
  {
    id: `hazards.loss ${defect.id}`,
    make: async ({run}) => {
      await run("insert into old values ('2024-01-01', 1)")
      await run('alter table old set (timescaledb.compress)')
      await run("select compress_chunk(c) from show_chunks('old') c")
    },
    impossible: ({timescaledb}) =>
      isAffected(defect, timescaledb!) ? null : `TimescaleDB ${timescaledb} has the fix of ${defect.id}`,
  },
  {
    id: 'condition.compressed_rows_hidden',
    make: async ({autocommit, db}) => {
      await autocommit(`alter database ${db.server.database} set timescaledb.enable_transparent_decompression = off`)
      await db.probe()
    },
  },
]

/** @returns the ids of the faults that this server can have; the others are reported */
async function plant(database: TestDatabase): Promise<string[]> {
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
  const planted: string[] = []
  for (const {id, make, impossible} of faults) {
    const why = impossible?.(database.db.server) ?? null
    if (why !== null) {
      process.stderr.write(`not planted: ${id}: ${why}\n`)
      continue
    }
    expect(before, 'nothing is planted yet').not.toContain(id)
    await make(database)
    planted.push(id)
  }
  return planted
}

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('finds ten planted faults, one of each group of checks, and what it prints parses', async () => {
    const database = await engine.database()
    try {
      const planted = await plant(database)
      const report = await all(database.db)
      expect(faults.map(({id}) => groupOf({id: id as Check['id']})).sort()).toEqual([...groups].sort())
      expect(planted.length).toBeGreaterThanOrEqual(faults.length - 1)
      expect(found(report)).toEqual(expect.arrayContaining(planted))
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
    const planted = await plant(database)
    const {hostname, port, pathname} = new URL(database.url)
    const pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)})
    try {
      const db = await connect(targetOf(`postgres://postgres@127.0.0.1:${pooler.port}${pathname}`), {applicationName})
      expect(db.server.pooled).toBe(true)
      const statuses = ({checks}: DoctorReport) => Object.fromEntries(checks.map(({id, status}) => [id, status]))
      const report = await all(db)
      await db.close()
      expect(found(report)).toEqual(expect.arrayContaining(planted))
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
