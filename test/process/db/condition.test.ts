import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {isConnectionLost} from '../../../src/db/sqlstate.js'
import {readAggregates} from '../../../src/aggregates/list.js'
import {execute, preview} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import type {Plan, Step} from '../../../src/run/step.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {runCli} from '../../helpers/cli.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const insert: Step = {
  id: 'insert',
  kind: 'test',
  object: 'public.t',
  statements: [statement("insert into public.t values ('2026-11-02Z', 1)")],
  lock: 'NONE',
  class: 'safe',
  transaction: 'own',
  doneCheck: null,
  repeatable: false,
  dependsOn: [],
  relations: [],
  bytes: null,
}
const planOn = (table: string): Plan => ({
  operation: 'test',
  summary: 'test',
  cutoff: null,
  tables: [table],
  locks: [],
  steps: [insert],
})
const options = {limits: defaultLimits, ledger: null}

/** Five compressed days of rows, one an hour, and an aggregate over them that is computed up to the fourth. */
async function filled(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await database.run(
    "create table t (time timestamptz not null, v int); select create_hypertable('t', by_range('time', interval '1 day'))",
  )
  await database.run(
    "insert into t select g, 1 from generate_series('2026-11-01Z'::timestamptz, '2026-11-05 23:00Z', '1 hour') g",
  )
  await database.run("alter table t set (timescaledb.compress); select compress_chunk(c) from show_chunks('t') c")
  await database.autocommit(
    "create materialized view a with (timescaledb.continuous) as select time_bucket('1 hour', time) b, count(*) n from t group by 1 with no data",
  )
  await database.autocommit("call refresh_continuous_aggregate('a', null, '2026-11-04Z')")
  return database
}

/** Changes a setting of the database, and works in a session that starts after that. */
async function inState(
  database: TestDatabase,
  setting: string,
  work: (db: Awaited<ReturnType<typeof connect>>) => Promise<void>,
): Promise<void> {
  const name = database.db.server.database
  await database.autocommit(`alter database ${name} set ${setting}`)
  const db = await connect(targetOf(database.url), {applicationName})
  try {
    await work(db)
  } finally {
    await db.close()
    await database.autocommit(`alter database ${name} reset ${setting.split(' ')[0]}`)
  }
}

/** Without `no_worker_slots`: a server with many databases may have no worker left for this one. */
const conditionsHere = (db: TestDatabase['db']) => db.server.condition.filter(({code}) => code !== 'no_worker_slots')
const codes = (db: TestDatabase['db']) => conditionsHere(db).map(({code}) => code)

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it.each([
    ['timescaledb.restoring = on', 'restoring'],
    ['timescaledb.disable_load = on', 'loader_disabled'],
  ])(
    'with %s reports show what can be known, and every change, count and coverage is refused',
    async (setting, code) => {
      const database = await filled(engine)
      await inState(database, setting, async (db) => {
        expect(codes(db)).toEqual([code])
        expect(db.server.engine, 'never taken for the Apache edition').toBe('timescaledb')
        const refused = {code: code.toUpperCase(), exitCode: 7}
        await expect(execute(db, planOn('public.t'), options)).rejects.toMatchObject(refused)
        await expect(preview(db, planOn('public.t'))).rejects.toMatchObject(refused)
        const stats = await readStats(db, {fast: false, managed: new Set(), timeUnits: new Map(), lateAfter: 0})
        expect(stats.server.condition).toEqual([code])
        expect(stats.tables.find(({table}) => table === 't')).toMatchObject({
          chunks: 5,
          compressedChunks: 5,
          oldest: null,
          newest: null,
        })
        const {aggregates} = await readAggregates(db, new Map())
        expect(aggregates).toMatchObject([{view: 'a', pending: null, rawGone: null}])
        const status = await readPolicyStatus(db, {declared: [], lateAfter: 0})
        expect(status.notes.join()).not.toContain('daemon')
      })
      // A session that started before notices it when it is probed.
      expect(codes(database.db)).toEqual([])
      await database.autocommit(`alter database ${database.db.server.database} set ${setting}`)
      await database.db.probe()
      expect(codes(database.db)).toEqual([code])
      await expect(execute(database.db, planOn('public.t'), options)).rejects.toMatchObject({exitCode: 7})
      await database.autocommit(`alter database ${database.db.server.database} reset ${setting.split(' ')[0]}`)
      await database.db.probe()
      expect(codes(database.db)).toEqual([])
      expect(await database.run('select count(*) as rows from t')).toEqual([{rows: 120}])
    },
  )

  it('is reported on every channel of the commands: exit 3 for a report, 7 for a change and its dry run', async () => {
    const database = await filled(engine)
    await inState(database, 'timescaledb.restoring = on', async () => {
      const url = ['--url', database.url]
      const stats = await runCli(['stats', '--json', ...url])
      expect(stats).toMatchObject({exitCode: 3, stderr: expect.stringContaining('restore mode')})
      expect(JSON.parse(stats.stdout)).toMatchObject({
        kind: 'stats',
        condition: ['restoring'],
        server: {condition: ['restoring']},
      })
      const status = await runCli(['policies', 'status', ...url])
      expect(status).toMatchObject({exitCode: 3, stderr: expect.stringContaining('restore mode')})
      for (const change of [
        ['chunks', 'drop', 't', '--older-than', '2026-11-02', '--dry-run'],
        ['aggregates', 'refresh', 'a', '--from', '2026-11-01', '--to', '2026-11-07'],
        ['jobs', 'run', 'retain'],
      ]) {
        const refused = await runCli([...change, '--json', ...url])
        expect(refused.exitCode, refused.command).toBe(7)
        expect(JSON.parse(refused.stdout)).toMatchObject({error: {code: 'RESTORING', exitCode: 7}})
      }
    })
  }, 240_000)

  it.each(['timescaledb.enable_optimizations', 'timescaledb.enable_transparent_decompression'])(
    'sees compressed rows also where %s is off, and says that others do not',
    async (name) => {
      const database = await filled(engine)
      await inState(database, `${name} = off`, async (db) => {
        const counted = 'select count(*) as rows from public.t'
        expect(codes(db)).toEqual(['compressed_rows_hidden'])
        expect(await db.query(statement(counted))).toEqual([{rows: 120}])
        await db.probe()
        expect(codes(db), 'also when asked again').toEqual(['compressed_rows_hidden'])
        await db.autocommit(
          {readOnly: false, lockTimeout: 1_000, statementTimeout: 0, searchPath: 'public'},
          statement("call refresh_continuous_aggregate('a', null, '2026-11-06Z')"),
        )
        expect(await db.query(statement('select sum(n)::int8 as rows from public.a'))).toEqual([{rows: 120}])
        await execute(db, planOn('public.t'), options)
        expect(await db.query(statement(counted))).toEqual([{rows: 121}])
      })
    },
  )

  it.each([
    ['database "here"', 'timescaledb.restoring = on'],
    ['role current_user in database "here"', 'timescaledb.restoring = on'],
    ['role current_user in database "here"', 'timescaledb.disable_load = on'],
    ['role current_user in database "here"', 'timescaledb.enable_optimizations = off'],
    ['database "here"', 'timescaledb.enable_transparent_decompression = f'],
  ])('the printed fix ends what alter %s set %s began', async (place, setting) => {
    const database = await engine.database()
    const {server} = database.db
    await database.autocommit(`alter ${place.replace('here', server.database)} set ${setting}`)
    await database.db.probe()
    const [found] = database.db.server.condition
    expect(found?.fix).toMatch(place.startsWith('role') ? /^[^;]*alter role "[^"]+" in database / : /alter database /)
    const statements = found!.fix.replace(/^When the restore has ended: (select .*; or )?/, '').split('; ')
    for (const text of statements) await database.autocommit(text)
    await database.db.probe()
    expect(codes(database.db)).toEqual([])
  })

  it('a setting that no ALTER stored is to be removed where it is set', async () => {
    const database = await engine.database()
    const options = encodeURIComponent('-c timescaledb.enable_optimizations=off')
    const db = await connect(targetOf(`${database.url}?options=${options}`), {applicationName})
    expect(conditionsHere(db)).toMatchObject([
      {code: 'compressed_rows_hidden', fix: expect.stringContaining('remove timescaledb.enable_optimizations from')},
    ])
    await db.close()
  })

  it('names the missing library, and how to load the right one', async () => {
    const database = await engine.database()
    const version = database.db.server.timescaledb!
    const unloaded = await connect(
      targetOf(`${database.url}?options=${encodeURIComponent('-c timescaledb.disable_load=on')}`),
      {applicationName},
    )
    await unloaded.query(
      statement("update pg_extension set extversion = '2.1.0' where extname = 'timescaledb'"),
      writing,
    )
    await unloaded.close()
    const failure: unknown = await connect(targetOf(database.url), {applicationName}).catch((error: unknown) => error)
    expect(failure).toMatchObject({code: 'LIBRARY_MISSING', exitCode: 4, message: expect.stringContaining('2.1.0')})
    expect((failure as {suggestions: string[]}).suggestions.join()).toContain(
      `files of ${version}. In a new session (psql -X), as its first statement: ALTER EXTENSION timescaledb UPDATE`,
    )
    expect(isConnectionLost(failure)).toBe(false)
  })

  it('names a hypertable with rows in its root and changes nothing in it; others can be changed', async () => {
    const database = await filled(engine)
    await database.run(
      "create table other (time timestamptz not null); select create_hypertable('other', by_range('time'))",
    )
    const other = {
      ...planOn('public.other'),
      steps: [{...insert, statements: [statement("insert into public.other values ('2026-11-02Z')")]}],
    }
    // In restore mode TimescaleDB lets rows into the root or raises an error; with disable_load they go there.
    await database.autocommit(`alter database ${database.db.server.database} set timescaledb.restoring = on`)
    const restoring = await connect(targetOf(database.url), {applicationName})
    const went = await restoring
      .query(statement("insert into public.t values ('2026-11-20Z', 1)"), {
        readOnly: false,
        lockTimeout: 1_000,
        statementTimeout: 0,
      })
      .then(
        () => true,
        () => false,
      )
    await restoring.close()
    await database.autocommit(`alter database ${database.db.server.database} reset timescaledb.restoring`)
    await database.db.probe()
    expect(codes(database.db)).toEqual(went ? ['rows_in_root'] : [])
    if (went) {
      expect(database.db.server.condition[0]!.tables).toEqual(['public.t'])
      await expect(execute(database.db, planOn('public.t'), options)).rejects.toMatchObject({
        code: 'ROWS_IN_ROOT',
        exitCode: 7,
      })
      const statements = database.db.server.condition[0]!.fix.replace(/^.*in psql: |;$/g, '').split('; ')
      const psql = await connect(targetOf(database.url), {applicationName})
      await psql.transaction({...writing, searchPath: 'public'}, async (tx) => {
        for (const text of statements.slice(0, -1)) await tx.query(statement(text))
      })
      await psql.close()
      await database.autocommit(statements.at(-1)!)
      await database.db.probe()
      expect(codes(database.db), 'the fix works').toEqual([])
      expect(await database.run('select count(*) as rows from t')).toEqual([{rows: 121}])
    }
    await execute(database.db, other, options)
    expect(await database.run('select count(*) as rows from other')).toEqual([{rows: 1}])
  })

  it('names a job of qicore-db whose procedure is gone', async () => {
    const database = await engine.database()
    await database.run(
      "create schema qicore; create procedure qicore.retain(job_id int, config jsonb) language plpgsql as 'begin end'; select add_job('qicore.retain', '1 day', scheduled => false); set local search_path = qicore; drop procedure retain(int, jsonb)",
    )
    await database.db.probe()
    expect(conditionsHere(database.db)).toMatchObject([
      {code: 'gate_procedure_missing', message: expect.stringContaining('(qicore.retain)')},
    ])
  })

  it('reports exit 3 while the procedure of a gate is gone, and the command that they print ends it', async () => {
    const database = await engine.database()
    const cli = (words: string) => runCli([...words.split(' '), '--url', database.url])
    expect((await cli('migrate up --stream core --yes')).exitCode).toBe(0)
    await database.run(
      "select add_job('qicore.retain', '1 day', scheduled => false); set local search_path = qicore; drop procedure retain(int, jsonb)",
    )
    for (const report of ['policies list', 'stats']) expect((await cli(report)).exitCode, report).toBe(3)
    await database.run("create table t (time timestamptz not null); select create_hypertable('t', 'time')")
    for (const change of [
      'policies apply --yes',
      'chunks drop t --older-than 1d --yes',
      'chunks compress t --older-than 1d --yes',
      'partitions ensure --yes',
    ]) {
      const refused = await cli(change)
      expect(refused.exitCode, change).toBe(7)
      expect(refused.stderr, change).toContain('migrate up --stream core')
    }
    const plan = await cli('policies plan')
    expect(plan.exitCode).toBe(3)
    expect(plan.stdout).not.toContain('Nothing to do')
    const [, fix] = /qicore-db (migrate up --stream core)/.exec(plan.stdout)!
    expect((await cli(`${fix} --yes`)).exitCode).toBe(0)
    expect((await cli('policies plan')).exitCode).toBe(0)
  }, 60_000)
})

forEachEngine({}, (engine) => {
  it('finds nothing wrong with an empty database', async () => {
    const {db} = await engine.database()
    expect(codes(db)).toEqual([])
    // The timeout is set on every PostgreSQL that has it, whatever its value.
    const settings = db.server.corrections.map(([name]) => name)
    expect(settings).toEqual(db.server.versionNum >= 17_00_00 ? ['transaction_timeout'] : [])
  })
})
