import {readdirSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {sqlDirectory} from '../../../../src/db/load-sql.js'
import {connect} from '../../../../src/db/connect.js'
import {preview} from '../../../../src/run/execute.js'
import {compareVersions, migrationSources} from '../../../../src/schema/migrate/source.js'
import {readRecorded} from '../../../../src/schema/migrate/recorded.js'
import {planFor} from '../../../../src/schema/migrate/request.js'
import {readRoutine, routineFiles} from '../../../../src/schema/migrate/routine-files.js'
import {routinesSince, routineStates, type RoutineState} from '../../../../src/schema/migrate/routine-state.js'
import {planInstall, bootstrap} from '../../../../src/schema/migrate/run.js'
import {prepareDatabase} from '../../../../src/daemon/prepare.js'
import type {DaemonEvent} from '../../../../src/jobs/events.js'
import type {QicoreSchema} from '../../../../src/schema/migrate/schema-state.js'
import {expectExit, jsonOf, runCli} from '../../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../../helpers/engines.js'
import {applicationName} from '../../../helpers/server.js'
import {quick} from '../../../helpers/run-steps.js'
import {migratedBefore} from '../../../helpers/migrated-before.js'
import {up} from '../../../helpers/migrate-up.js'

const sources = migrationSources(null)
const context = {sections: {tables: {}, aggregates: {}}, limits: quick}
const statesOf = async ({db}: TestDatabase) => routineStates(db, db.server.engine, sources, await readRecorded(db))
const stateOf = async (database: TestDatabase, name: string) =>
  (await statesOf(database)).find((status) => status.name === name)!.state
const countsOf = async (database: TestDatabase) => {
  const counts: Partial<Record<RoutineState, number>> = {}
  for (const {state} of await statesOf(database)) counts[state] = (counts[state] ?? 0) + 1
  return counts
}
/**
 * Functions of numbered migrations: the clock, which a test replaces, a trigger's, and those of emulated aggregates.
 */
const numberedOnly = "p.proname not in ('now', 'rename_status') and p.proname !~ '_window$'"
const signaturesOf = async ({run}: TestDatabase) =>
  (
    await run<{signature: string}>(`
    select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('qicore', 'public') and ${numberedOnly}
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    order by 1`)
  ).map(({signature}) => signature)

describe('the files of routines', () => {
  const files = routineFiles('timescaledb')
  const versions = new Set(sources.flatMap((stream) => stream.files.map(({version}) => version)))

  it.each(readdirSync(new URL('routines/', sqlDirectory)))(
    '%s names the migration since which it is installed',
    (entry) => {
      const file = readRoutine(entry.replace('.sql', ''))
      expect(versions).toContain(file.since)
      expect(file.requires.filter((name) => !files.some((other) => other.name === name))).toEqual([])
      expect(file.kind === 'view' ? file.source : file.source.length).toBe(file.kind === 'view' ? '' : 64)
    },
  )

  it('are ordered after those that they require', () => {
    const order = files.map(({name}) => name)
    for (const {name, requires} of files)
      for (const other of requires)
        expect(order.indexOf(other), `${other} before ${name}`).toBeLessThan(order.indexOf(name))
  })

  it('have the same checksum with the line ends of another system, and a different one with different text', () => {
    const {text, checksum, source} = files.find(({name}) => name === 'begin_job')!
    expect(readRoutine('x', text).checksum).toBe(checksum)
    expect(readRoutine('x', text.replace('begin\n', 'begin\n  -- another\n'))).not.toMatchObject({checksum, source})
  })
})

forEachEngine({}, (engine) => {
  it('a database of the previous version gets every routine with migrate up, and planning again is empty', async () => {
    const database = await engine.database()
    const {db, run} = database
    await migratedBefore(database)
    // What a later version changed: the old text is still installed.
    await run(
      "create or replace function qicore.retain_settings() returns void language sql as $$ select pg_catalog.set_config('lock_timeout', '9s', true) $$",
    )
    await run(
      `insert into qicore.policies (object, kind, config) select 'public.ohlcv_data', 'retention', c || jsonb_build_object('agreed', qicore.retention_hash('public.ohlcv_data', c)) from (select '{"after": "2 years"}'::jsonb) x (c)`,
    )
    const oid = () =>
      run(
        "select 'qicore.retain(integer, jsonb)'::regprocedure::oid::text as oid, qicore.retention_hash('public.ohlcv_data', config) = config ->> 'agreed' as agreed from qicore.policies",
      )
    const before = await oid()
    expect(before).toMatchObject([{agreed: true}])
    const files = routineFiles(db.server.engine)
    const later = files.filter(({since}) => compareVersions(since, routinesSince) > 0).length
    expect(await countsOf(database)).toEqual({older: files.length - later, pending: later})

    const added = sources[0]!.files
      .filter(({version}) => compareVersions(version, routinesSince) >= 0)
      .map(({version, name}) => `migrate ${version} ${name}`)
    const {plan} = await planFor(db, {})
    expect(plan.steps.map(({id}) => id)).toEqual([
      ...added,
      ...['core', 'qicore'].flatMap((stream) =>
        files.filter((file) => file.stream === stream).map(({name}) => `routine ${name}`),
      ),
    ])
    expect(plan.steps.every((step) => step.class === 'safe')).toBe(true)
    expect((await preview(db, plan)).steps.every(({status}) => status === 'planned')).toBe(true)
    expect(await countsOf(database)).toEqual({older: files.length - later, pending: later})

    expect((await up(db)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(await countsOf(database)).toEqual({applied: files.length})
    expect((await planFor(db, {})).plan.steps).toEqual([])
    expect((await planInstall(db)).steps).toEqual([])
    // A job of a scheduler calls the procedure by its oid, and the consent is still valid.
    expect(await oid()).toEqual(before)
    expect(
      await run(
        "select p.prosrc like '%limit_lock_wait(500)%' as new from pg_proc p where p.oid = 'qicore.retain_settings()'::regprocedure",
      ),
    ).toEqual([{new: true}])
  })

  it('each routine file loads by itself, and no signature of a numbered migration remains beside it', async () => {
    const database = await engine.database()
    await migratedBefore(database)
    await up(database.db)
    const upgraded = await signaturesOf(database)
    for (const {kind, schema, routine} of routineFiles(database.db.server.engine))
      await database.run(
        kind === 'view'
          ? `drop view if exists ${schema}.${routine} cascade`
          : `do $$ declare s text; begin for s in select oid::regprocedure from pg_proc where pronamespace = '${schema}'::regnamespace and proname = '${routine}' loop execute 'drop routine if exists ' || s || ' cascade'; end loop; end $$`,
      )
    expect(await signaturesOf(database)).toEqual([])
    for (const {text} of routineFiles(database.db.server.engine)) await database.run(text)
    // A changed signature creates a second routine beside the first: the migration that drops the first one is missing.
    expect(upgraded).toEqual(await signaturesOf(database))
  })

  it('reports missing, edited and newer routines, replaces the first two and leaves the last unchanged', async () => {
    const database = await engine.database()
    const {db, run} = database
    await up(db)
    expect(await countsOf(database)).toEqual({applied: routineFiles(db.server.engine).length})
    await run('drop procedure qicore.retain(integer, jsonb); drop view public.schema_versions')
    await run("create or replace function qicore.retain_settings() returns void language sql as 'select'")
    await run(
      "update qicore.routines set checksum = 'x' where name in ('refresh', 'maintain'); update qicore.routines set program = '99.0.0' where name = 'refresh'",
    )
    const states = async () =>
      Object.fromEntries(
        await Promise.all(
          ['retain', 'schema_versions', 'retain_settings', 'refresh', 'maintain'].map(async (name) => [
            name,
            await stateOf(database, name),
          ]),
        ),
      )
    expect(await states()).toEqual({
      retain: 'missing',
      schema_versions: 'missing',
      retain_settings: 'edited',
      refresh: 'newer',
      maintain: 'older',
    })
    const {plan, notes} = await planFor(db, {})
    expect(plan.steps.map(({id}) => id).sort()).toEqual([
      'routine maintain',
      'routine retain',
      'routine retain_settings',
      'routine schema_versions',
    ])
    expect(notes.join('\n')).toMatch(
      /qicore\.refresh was installed by qicore-db 99\.0\.0, which is newer than this one/,
    )
    await up(db)
    expect(await states()).toEqual({
      retain: 'applied',
      schema_versions: 'applied',
      retain_settings: 'applied',
      refresh: 'newer',
      maintain: 'applied',
    })
    // A migration that this program does not know: every routine that is recorded with another text is newer.
    await run(
      "update qicore.routines set program = '0.0.1', checksum = 'y' where name = 'refresh'; insert into qicore.schema_versions (version, stream) values ('core.7.0.0', 'core')",
    )
    expect(await stateOf(database, 'refresh')).toBe('newer')
    expect((await planFor(db, {})).plan.steps).toEqual([])
  })
})

forEachEngine({native: true}, (engine) => {
  it('the first change of a command installs newer routines, and says so', async () => {
    const url = await engine.urlFor(migratedBefore)
    const older = await runCli(['policies', 'status', '--json', '--url', url])
    expectExit(older, 3)
    expect(jsonOf<{qicoreSchema: QicoreSchema}>(older).qicoreSchema).toMatchObject({
      state: 'older',
      fix: `qicore-db migrate up --url ${url}`,
      differs: expect.arrayContaining(['qicore.retain_gap']),
    })
    expectExit(await runCli(['migrate', 'status', '--url', url]), 0)
    expectExit(await runCli(['migrate', 'status', '--check', '--url', url]), 3)
    const change = ['jobs', 'pause', 'maintain', '--url', url]
    const dry = await runCli([...change, '--dry-run'])
    expectExit(dry, 0)
    expect(dry.stdout).toContain('create or replace function qicore.retain_gap')
    const run = await runCli(change)
    expectExit(run, 0)
    const status = await runCli(['migrate', 'status', '--json', '--url', url])
    const {routines} = JSON.parse(status.stdout) as {routines: {stream: string; state: string}[]}
    expect(new Set(routines.map(({stream, state}) => `${stream} ${state}`))).toEqual(
      new Set(['core applied', 'qicore older']),
    )
  })

  it('several programs that update the schema qicore at once all succeed', async () => {
    const database = await engine.database()
    await migratedBefore(database)
    const crowd = await Promise.all([1, 2, 3].map(() => connect(database.target, {applicationName})))
    const reports = await Promise.all(crowd.map(async (one) => bootstrap(one, await planInstall(one), {limits: quick})))
    await Promise.all(crowd.map((one) => one.close()))
    expect(reports.flat().filter(({status}) => status === 'failed')).toEqual([])
    expect((await planInstall(database.db)).steps).toEqual([])
  })

  it('a daemon updates it when it starts, and logs what it installed', async () => {
    const database = await engine.database()
    await migratedBefore(database)
    const events: DaemonEvent[] = []
    expect(await prepareDatabase(database.db, context, [], (event) => events.push(event))).toBeNull()
    expect(events).toEqual([
      {
        event: 'qicore_schema_installed',
        steps: expect.arrayContaining([`migrate ${routinesSince} routines`, 'routine retain_gap']),
      },
    ])
    expect((await planInstall(database.db)).steps).toEqual([])
  })

  it('a role that does not own the schema leaves it unchanged, and gets the command for the owner', async () => {
    const database = await engine.database()
    await migratedBefore(database)
    const role = `outsider_${database.target.url.replace(/\W+/g, '').slice(-12)}`
    await database.run(
      `create role ${role}; grant usage on schema qicore to ${role}; grant select on all tables in schema qicore to ${role}`,
    )
    const outsider = await connect({...database.target, role}, {applicationName})
    try {
      const {steps, note} = await planInstall(outsider)
      expect(steps).toEqual([])
      expect(note).toMatch(/does not own it\. The owner runs: qicore-db migrate up --stream core$/)
      const events: DaemonEvent[] = []
      await prepareDatabase(outsider, context, [], (event) => events.push(event)).catch(() => {})
      expect(events).toContainEqual({event: 'warning', message: note})
    } finally {
      await outsider.close()
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })
})
