import {rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {preview} from '../../../../src/run/execute.js'
import {toScript} from '../../../../src/run/script.js'
import {differences, readSnapshot} from '../../../../src/schema/catalog.js'
import {readRecorded, statusOf} from '../../../../src/schema/migrate/recorded.js'
import {planFor, sourcesFor, type MigrateOptions} from '../../../../src/schema/migrate/request.js'
import {periodsAhead} from '../../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../../helpers/engines.js'
import {quick} from '../../../helpers/run-steps.js'
import {replay} from '../../../helpers/schema-replay.js'
import {up, withMigrations} from '../../../helpers/migrate-up.js'

const statesOf = async ({db}: TestDatabase, options: MigrateOptions = {}) =>
  Object.fromEntries(
    statusOf(db.server.engine, sourcesFor(options), await readRecorded(db)).map(({version, state}) => [version, state]),
  )
const objectsOf = ({db}: TestDatabase) => readSnapshot(db, ['public', 'qicore'])
const isThere = async ({run}: TestDatabase, name: string) =>
  (await run<{there: boolean}>(`select to_regclass('${name}') is not null as there`))[0]!.there

/** Migrations of QiCore that an engine does not have: 1.2.0 compresses, 1.6.0 distributes. */
const notFor = {timescaledb: ['1.6.0'], apache: ['1.2.0', '1.6.0'], postgres: ['1.2.0', '1.6.0'], citus: ['1.2.0']}

forEachEngine({}, (engine) => {
  it('a dry run changes nothing, a run creates the tables, and the next run has nothing to do', async () => {
    const database = await engine.database()
    const empty = await objectsOf(database)
    const {plan} = await planFor(database.db, {})
    const dry = await preview(database.db, plan)
    expect(dry.steps.every(({status}) => status === 'planned')).toBe(true)
    expect(await objectsOf(database)).toEqual(empty)

    const run = await up(database.db)
    expect(run.steps.filter(({status}) => status !== 'done')).toEqual([])
    const made = await objectsOf(database)
    const states = await statesOf(database)
    expect(
      Object.entries(states)
        .filter(([, state]) => state !== 'applied')
        .map(([version]) => version),
    ).toEqual(notFor[engine.kind])

    expect((await planFor(database.db, {})).plan.steps).toEqual([])
    expect((await up(database.db)).steps).toEqual([])
    expect(await objectsOf(database)).toEqual(made)

    const other = await engine.database()
    await replay(other)
    expect(differences(await objectsOf(other), made)).toEqual([])
  })

  it('prints a dry run that creates the same database when psql runs it', async (context) => {
    // psql sends one statement a message, and this test all of them in one.
    if (engine.kind === 'citus') context.skip('Citus runs one utility command a message')
    const first = await engine.database()
    const script = toScript((await planFor(first.db, {})).plan, quick)
    await up(first.db)
    const made = await objectsOf(first)
    const versions = (await readRecorded(first.db)).map(({version, checksum, engine: of}) => ({version, checksum, of}))

    const second = await engine.database()
    // Its own BEGIN and COMMIT make this several transactions, as in psql.
    await second.autocommit(script)
    await second.db.probe()
    expect(differences(made, await objectsOf(second))).toEqual([])
    expect(
      (await readRecorded(second.db))
        .map(({version, checksum, engine: of}) => ({version, checksum, of}))
        .sort((a, b) => a.version.localeCompare(b.version)),
    ).toEqual(versions.sort((a, b) => a.version.localeCompare(b.version)))
  })

  it("leaves nothing of a failing file behind, has its line and the server's message, and starts no file after it", async () => {
    const database = await engine.database()
    const configDirectory = withMigrations({
      '0001_good.sql': '-- version: 1.0.0\ncreate table good (x int);\n',
      '0002_bad.sql':
        "-- version: 1.1.0\n\ncreate table half (x int);\ninsert into half values (1);\ninsert into half\n  values ('é😀', nowhere.at_all());\n",
      '0003_later.sql': '-- version: 1.2.0\ncreate table later (x int);\n',
    })
    const options = {configDirectory, stream: 'app' as const}
    const {steps} = await up(database.db, options)
    expect(steps.slice(-3).map(({status}) => status)).toEqual(['done', 'failed', 'skipped'])
    expect(steps.at(-2)!.error).toMatch(/^migrations\/0002_bad\.sql:6: schema "nowhere" does not exist \[3F000\]/)
    expect(steps.at(-1)!.note).toBe('needs migrate app.1.1.0 bad')
    expect([
      await isThere(database, 'good'),
      await isThere(database, 'half'),
      await isThere(database, 'later'),
    ]).toEqual([true, false, false])
    expect(await statesOf(database, options)).toMatchObject({
      'app.1.0.0': 'applied',
      'app.1.1.0': 'pending',
      'app.1.2.0': 'pending',
    })

    writeFileSync(join(configDirectory, 'migrations/0002_bad.sql'), '-- version: 1.1.0\ncreate table half (x int);\n')
    expect((await up(database.db, options)).steps.map(({status}) => status)).toEqual(['done', 'done'])
    expect(await statesOf(database, options)).toMatchObject({
      'app.1.0.0': 'applied',
      'app.1.1.0': 'applied',
      'app.1.2.0': 'applied',
    })
    const [log] = await database.run<{status: string; steps: number}>(
      "select l.status, count(*)::int as steps from qicore.maintenance_log l join qicore.maintenance_step s on s.log_id = l.id where l.operation = 'migrate up' group by l.id order by l.id limit 1",
    )
    expect(log).toEqual({status: 'partial', steps: expect.any(Number)})
  })

  it('reports an applied file that was edited and a version without a file, and never runs either', async () => {
    const database = await engine.database()
    const text = '-- version: 1.0.0\ncreate table counted (x int);\ninsert into counted values (1);\n'
    const configDirectory = withMigrations({'0001_a.sql': text, '0002_b.sql': '-- version: 1.1.0\nselect 1;\n'})
    const options = {configDirectory, stream: 'app' as const}
    await up(database.db, options)
    writeFileSync(join(configDirectory, 'migrations/0001_a.sql'), text.replace('(1)', '(2)'))
    rmSync(join(configDirectory, 'migrations/0002_b.sql'))
    expect(await statesOf(database, options)).toMatchObject({'app.1.0.0': 'edited', 'app.1.1.0': 'missing'})
    const {plan, notes} = await planFor(database.db, options)
    expect(plan.steps).toEqual([])
    expect(notes.join('\n')).toMatch(
      /0001_a\.sql was edited after version app\.1\.0\.0[^]*version app\.1\.1\.0 is recorded in this database, but its file does not exist/,
    )
    expect(await database.run('select x from counted')).toEqual([{x: 1}])
    // The same text with the line ends of another system is the same file.
    writeFileSync(join(configDirectory, 'migrations/0001_a.sql'), text.replaceAll('\n', '\r\n'))
    expect(await statesOf(database, options)).toMatchObject({'app.1.0.0': 'applied'})
  })

  it('stops at a version, and continues from there', async () => {
    const database = await engine.database()
    await up(database.db, {to: '1.1.0'})
    expect(await statesOf(database)).toMatchObject({'1.1.0': 'applied', '1.3.0': 'pending', '1.5.0': 'pending'})
    await up(database.db)
    expect(await statesOf(database)).toMatchObject({'1.5.0': 'applied'})
    await expect(planFor(database.db, {to: '9.9.9'})).rejects.toMatchObject({code: 'NO_SUCH_VERSION', exitCode: 2})
  })

  it('refuses a database that was migrated for another engine', async () => {
    const database = await engine.database()
    await up(database.db, {to: '1.0.0'})
    const other = !engine.hypertables ? 'timescaledb' : 'postgres'
    await database.run(`update qicore.schema_versions set engine = '${other}' where stream = 'qicore'`)
    await expect(planFor(database.db, {})).rejects.toMatchObject({code: 'WRONG_ENGINE', exitCode: 3})
    expect(await statesOf(database)).toMatchObject({'1.0.0': 'wrong engine'})
  })

  it('runs a file outside of any transaction if its header says so, statement by statement', async () => {
    const database = await engine.database()
    // The embedded engine fails on CONCURRENTLY ("tuple concurrently updated", and then on everything else).
    const configDirectory = withMigrations({
      '0001_a.sql': '-- version: 1.0.0\ncreate table plain (x int);\n',
      '0002_b.sql': `-- version: 1.1.0\n-- transaction: none\ncreate index ${engine.native ? 'concurrently' : ''} plain_x on plain (x);\nvacuum plain;\n`,
    })
    const options = {configDirectory, stream: 'app' as const}
    const {steps} = await up(database.db, options)
    expect(steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(await isThere(database, 'plain_x')).toBe(true)
    expect(await statesOf(database, options)).toMatchObject({'app.1.1.0': 'applied'})
  })

  it('refuses transaction control and empty files before anything is done', async () => {
    const database = await engine.database()
    for (const [text, reason] of [
      ['create table a (x int);\ncommit;\n', /0001_a\.sql:3: COMMIT is not allowed/],
      ['-- nothing here\n', /0001_a\.sql:1: the file has no statement/],
      ['selec 1;\n', /0001_a\.sql:2: syntax error/],
    ] as const) {
      const configDirectory = withMigrations({'0001_a.sql': `-- version: 1.0.0\n${text}`})
      await expect(planFor(database.db, {configDirectory, stream: 'app'})).rejects.toMatchObject({
        code: 'MIGRATION_SYNTAX',
        exitCode: 2,
        message: expect.stringMatching(reason),
      })
    }
    expect(Object.keys((await objectsOf(database)).relations)).toEqual([])
  })

  it('does not ask on a database without data, asks for yes on one with data, and for the name if rows would be lost', async () => {
    const database = await engine.database()
    const configDirectory = withMigrations({
      '0001_a.sql': '-- version: 1.0.0\ncreate table mine (x int, y int);\n',
      '0002_b.sql': '-- version: 1.1.0\ncreate index on mine (x);\n',
      '0003_c.sql': '-- version: 1.2.0\nalter table mine drop column y;\n',
    })
    const options = {configDirectory}
    await up(database.db, {...options, to: 'app.1.0.0'})
    const classes = async () => (await planFor(database.db, options)).plan.steps.map((step) => step.class)
    expect(await classes()).toEqual(['safe', 'safe'])
    await database.run('insert into mine values (1)')
    expect(await classes()).toEqual(['undo', 'loss'])
  })
})

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('creates new hypertables with the configured number of space partitions, none for 0, and no policies', async () => {
    for (const count of [undefined, 0, 2]) {
      const database = await engine.database()
      await up(database.db, {spacePartitions: count})
      const space = await database.run(
        "select hypertable_name, num_partitions::int as n from timescaledb_information.dimensions where dimension_type = 'Space' order by 1",
      )
      const n = count ?? 4
      expect(space).toEqual(
        n === 0 ? [] : ['crypto_prices', 'level1_data', 'ohlcv_data'].map((name) => ({hypertable_name: name, n})),
      )
      expect(await database.run('select job_id from timescaledb_information.jobs where job_id >= 1000')).toEqual([])
    }
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('creates the current partition and three ahead, by day for level1_data', async () => {
    const database = await engine.database()
    await up(database.db)
    const rows = await database.run<{parent: string; children: string[]}>(`
      select p.relname as parent, array_agg(c.relname::text order by c.relname) as children
      from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_class c on c.oid = i.inhrelid
      where p.relkind = 'p' group by p.relname order by 1`)
    expect(rows.map(({parent}) => parent)).toEqual(['crypto_prices', 'level1_data', 'market_analytics', 'ohlcv_data'])
    for (const {parent, children} of rows)
      expect(children).toEqual(await periodsAhead(database, parent, parent === 'level1_data' ? 'day' : 'month', 3))
  })
})

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('finds the extension in any schema', async () => {
    const database = await engine.database({timescaledb: {schema: 'Time Series'}})
    expect((await up(database.db)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(await database.run('select hypertable_name from timescaledb_information.hypertables')).toHaveLength(4)
  })
})
