import pg from 'pg'
import {expect, it} from 'vitest'
import {conditionsOf, type ConditionFacts} from '../../../src/db/condition.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {withoutLibrary} from '../../../src/db/library.js'
import {statement} from '../../../src/db/sql.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {askDoctor, expectLaw, expectPassed, followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {days, declare} from '../../helpers/policies.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

/** The newest version before the installed one that differs in the last number only and has an update script. */
async function olderVersion({db, run}: TestDatabase): Promise<string | null> {
  const rows = await run<{version: string}>(
    `select source as version from pg_extension_update_paths('timescaledb')
     where target = '${db.server.timescaledb}' and path = source || '--' || target and source ~ '^\\d+\\.\\d+\\.\\d+$'`,
  )
  const minor = (version: string) => version.replace(/\d+$/, '')
  const patch = (version: string) => Number(version.split('.')[2])
  const same = rows
    .map(({version}) => version)
    .filter((version) => minor(version) === minor(db.server.timescaledb!))
    .filter((version) => patch(version) < patch(db.server.timescaledb!))
  return same.sort((a, b) => patch(b) - patch(a))[0] ?? null
}

/** A session in which the statement of the work is the first one. */
async function alone(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({connectionString: url})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('condition.rows_in_root: reports rows that a restore left in the root, and the fix moves them', async (context) => {
    const database = await engine.database()
    const {autocommit, db, run, url} = database
    await run("create table t (time timestamptz not null, v int); select create_hypertable('t', by_range('time'))")
    const inRoot = async () => {
      await autocommit(`alter database ${db.server.database} set timescaledb.restoring = on`)
      const restoring = await connect(targetOf(url), {applicationName})
      const text = statement("insert into public.t values ('2026-11-20Z', 1)")
      const went = await restoring.query(text, writing).then(
        () => true,
        () => false,
      )
      await restoring.close()
      await autocommit(`alter database ${db.server.database} reset timescaledb.restoring`)
      await db.probe()
      return went
    }
    await expectPassed(database, 'condition.rows_in_root')
    if (!(await inRoot())) return context.skip('this TimescaleDB refuses rows of the root in restore mode')
    const {findings} = await askDoctor(database, 'condition.rows_in_root')
    expect(findings).toMatchObject([{severity: 'critical', data: {tables: ['public.t']}}])
    // The fix of the condition is for psql; it sets and resets the restore mode in one session.
    const steps = findings[0]!.fix.text.replace(/^.*in psql: |;$/g, '').split('; ')
    const psql = await connect(targetOf(url), {applicationName})
    await psql.transaction(writing, async (tx) => {
      for (const text of steps.slice(0, -1)) await tx.query(statement(text))
    })
    await psql.close()
    await autocommit(steps.at(-1)!)
    await db.probe()
    await expectPassed(database, 'condition.rows_in_root')
    expect(await run('select count(*)::int as rows from t')).toEqual([{rows: 1}])
  })

  it('condition.not_a_hypertable: reports a declared table that is plain, and its SQL makes it a hypertable', async () => {
    const database = await engine.database()
    const request = {
      declared: [declare('public.ticks', {chunkInterval: days(1), retention: {after: days(36_500), native: false}})],
    }
    await expectLaw(
      database,
      'condition.not_a_hypertable',
      async () => {
        await database.run('create table ticks (time timestamptz not null, v int)')
        await database.run("insert into ticks values ('2026-11-20Z', 1)")
      },
      {
        request,
        follow: async () => {
          const {findings} = await askDoctor(database, 'condition.not_a_hypertable', request)
          const sql = /SELECT create_hypertable.*?migrate_data => true\)/.exec(findings[0]!.fix.text)![0]
          await database.run(sql)
        },
      },
    )
    expect(await database.run('select time_interval::text as length from timescaledb_information.dimensions')).toEqual([
      {length: '1 day'},
    ])
  })

  it('condition.gate_procedure_missing: reports a gated retention whose procedure is gone, and migrate up creates it', async () => {
    const database = await withCore(await engine.database())
    const {db, run} = database
    await run("create table public.t (time timestamptz not null, v int); select create_hypertable('public.t', 'time')")
    await run("select add_job('qicore.retain', interval '1 day', initial_start => timestamptz '2100-01-01 00:00+00')")
    await db.probe()
    const [found] = await expectLaw(
      database,
      'condition.gate_procedure_missing',
      async () => {
        await run('set local search_path = qicore; drop procedure retain(integer, jsonb)')
        await db.probe()
      },
      {
        follow: async ([fix]) => {
          await followFix(database, fix!)
          await db.probe()
        },
      },
    )
    expect(found).toMatchObject({
      severity: 'critical',
      fix: {kind: 'command', text: 'qicore-db migrate up --stream core'},
    })
  })

  it('a gated retention whose procedure is gone is not to be removed, and its runner is not at fault', async () => {
    const database = await withCore(await engine.database())
    const {db, run} = database
    await run("create table public.t (time timestamptz not null, v int); select create_hypertable('public.t', 'time')")
    await run(
      `insert into qicore.policies (object, kind, config) values ('public.t', 'retention', '{"after": "7 days", "maxDropPerRun": 8}')`,
    )
    await run(
      `select add_job('qicore.retain', interval '1 day', config => '{"object": "public.t"}', initial_start => timestamptz '2100-01-01 00:00+00')`,
    )
    await run('set local search_path = qicore; drop procedure retain(integer, jsonb)')
    await db.probe()
    const {findings} = await askDoctor(database, 'policies.never_run')
    expect(findings.map(({fix}) => fix)).toEqual([{kind: 'command', text: 'qicore-db migrate up --stream core'}])
    expect((await askDoctor(database, 'policies.not_running')).findings).toEqual([])
  })

  // The servers of a test have the files of one version, so the catalog is set back to the version before: what is left
  // if its files were replaced and the database was not updated.
  it('condition.update_pending: reports objects that are older than the files, and the printed statement updates them', async (context) => {
    const database = await engine.database()
    const installed = database.db.server.timescaledb!
    const older = await olderVersion(database)
    if (older === null) return context.skip(`no update script leads from a version of the same minor to ${installed}`)
    await expectPassed(database, 'condition.update_pending')
    await alone(database.url, async (client) => {
      // One statement: the next one of this session would load the library of the older version.
      await client.query(
        `with catalog as (
           update _timescaledb_catalog.metadata set value = $1::text where key = 'timescaledb_version' returning 1
         )
         update pg_extension set extversion = $1::text where extname = 'timescaledb'`,
        [older],
      )
    })
    const opened = async (options = '') => {
      const url = new URL(database.url)
      if (options !== '') url.searchParams.set('options', options)
      const db = await connect(targetOf(url.href), {applicationName})
      return askDoctor({db}, 'condition.update_pending').finally(() => db.close())
    }
    // This server does not have the library of the older version, which a session would load.
    const {findings} = await opened(withoutLibrary)
    expect(findings).toMatchObject([{severity: 'warning', data: {installed: older, available: installed}}])
    const update = /: (alter extension .*)$/.exec(findings[0]!.fix.text)![1]!
    await alone(database.url, (client) => client.query(update))
    expect((await opened()).status).toBe('passed')
  })

  // Both take a restart of the server, so they are judged by what the session would have found.
  it('condition.library_not_loaded and workers.slots: report what the session found', async () => {
    const {db} = await engine.database()
    const well: ConditionFacts = {
      database: 'd',
      timescaledb: '2.29.2',
      embedded: false,
      license: 'timescale',
      restoring: false,
      loaderDisabled: false,
      hiding: [],
      resets: {},
      inRecovery: false,
      launcherSeen: true,
      schedulerHere: true,
      schedulers: 1,
      maxBackgroundWorkers: 16,
      workerProcessesLeft: 16,
      rowsInRoot: [],
      brokenGates: [],
    }
    const found = (id: string, facts: Partial<ConditionFacts>) => {
      const server = {...db.server, condition: conditionsOf({...well, ...facts})}
      const as = Object.create(db, {server: {value: server}}) as Database
      return askDoctor({db: as}, id)
    }
    for (const [id, facts, fix] of [
      ['condition.library_not_loaded', {license: null}, 'shared_preload_libraries'],
      ['workers.slots', {maxBackgroundWorkers: 2}, 'timescaledb.max_background_workers'],
    ] as const) {
      expect((await found(id, {})).status).toBe('passed')
      const {status, findings} = await found(id, facts)
      expect(status, id).toBe('critical')
      expect(findings[0]!.fix.kind).toBe('advice')
      expect(findings[0]!.fix.text).toContain(fix)
    }
  })
})
