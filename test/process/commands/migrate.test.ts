import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {migrationsFor, migrationSources} from '../../../src/schema/migrate/source.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {withClient} from '../../helpers/schema-client.js'

interface Change {
  kind: string
  dryRun: boolean
  steps: {id: string; status: string; error: string | null; sql?: string; lock?: string; class?: string}[]
}
interface Status {
  kind: string
  version: number
  migrations: {version: string; state: string}[]
}

// Each run of the binary opens the embedded engine again, which takes seconds: three runs are enough there.
forEachEngine({native: false}, () => {
  it('up creates the directory, status lists the migrations, and up again does nothing', async () => {
    const url = `embedded:${join(temporaryDirectory(), 'db')}`
    expectExit(await runCli(['migrate', 'up', '--url', url]), 0)
    const status = await runCli(['migrate', 'status', '--check', '--url', url, '--json'])
    expectExit(status, 0)
    // 1.6.0 distributes tables, which only Citus can.
    const others = jsonOf<Status>(status).migrations.filter(({state}) => state !== 'applied')
    expect(others).toMatchObject([{version: '1.6.0', state: 'not for this engine'}])
    const again = await runCli(['migrate', 'up', '--url', url])
    expectExit(again, 0)
    expect(again.stdout).toBe('Migrate up: nothing to do.\n')
  }, 120_000)
})

forEachEngine({native: true}, (engine) => {
  it('up, status, a failing file that is corrected, an edited file: exit codes and documents', async () => {
    const url = await engine.urlFor(async () => {})
    const cwd = directoryWith({
      'qicore-db.config.yaml': 'version: 1\n',
      'migrations/0001_desk.sql': '-- version: 1.0.0\ncreate table desk (x int);\ninsert into desk values (1);\n',
      'migrations/0002_bad.sql': '-- version: 1.1.0\n\nselect 1 / 0;\n',
    })
    const run = (...args: string[]) => runCli(['migrate', ...args, '--url', url], {cwd})

    const dry = await run('up', '--dry-run', '--json')
    expectExit(dry, 0)
    const planned = jsonOf<Change>(dry)
    expect(planned).toMatchObject({kind: 'migrate.up', version: 1, dryRun: true})
    expect(planned.steps.every(({status, sql, lock, class: kind}) => status === 'planned' && sql && lock && kind)).toBe(
      true,
    )
    const text = await run('up', '--dry-run')
    expectExit(text, 0)
    expect(text.stdout).toMatch(/^-- migrate up\n[^]*create table desk[^]*commit;\n$/)

    const failed = await run('up', '--json')
    expectExit(failed, 6)
    const {steps} = jsonOf<Change>(failed)
    expect(steps.at(-1)).toMatchObject({
      id: 'migrate app.1.1.0 bad',
      status: 'failed',
      error: expect.stringMatching(/^migrations\/0002_bad\.sql:3: division by zero/),
    })

    const status = await run('status', '--json')
    expectExit(status, 0)
    const {kind, version, migrations} = jsonOf<Status>(status)
    expect({kind, version}).toEqual({kind: 'migrate.status', version: 1})
    expect(migrations.slice(-2).map(({version: of, state}) => [of, state])).toEqual([
      ['app.1.0.0', 'applied'],
      ['app.1.1.0', 'pending'],
    ])
    expectExit(await run('status', '--check'), 3)

    // The database has rows now: a change of existing objects asks first.
    writeFileSync(join(cwd, 'migrations/0002_bad.sql'), '-- version: 1.1.0\nalter table desk drop column x;\n')
    const asked = await run('up', '--yes', '--json')
    expectExit(asked, 7)
    expect(jsonOf(asked)).toMatchObject({error: {code: 'NOT_CONFIRMED', exitCode: 7}})
    writeFileSync(join(cwd, 'migrations/0002_bad.sql'), '-- version: 1.1.0\nalter table desk add column y int;\n')
    expectExit(await run('up'), 7)
    expectExit(await run('up', '--yes'), 0)
    const again = await run('up')
    expectExit(again, 0)
    expect(again.stdout).toBe('Migrate up: nothing to do.\n')

    // A protected target also requires its name for what is hard to undo.
    writeFileSync(
      join(cwd, 'qicore-db.config.yaml'),
      `version: 1\ntargets: {prod: {url: ${JSON.stringify(url)}, protected: true}}\n`,
    )
    writeFileSync(join(cwd, 'migrations/0003_more.sql'), '-- version: 1.2.0\nalter table desk add column z int;\n')
    const onProd = (...args: string[]) => runCli(['migrate', 'up', '--target', 'prod', ...args], {cwd})
    const onlyYes = await onProd('--yes')
    expectExit(onlyYes, 7)
    expect(onlyYes.stderr).toContain('the target prod is protected')
    expect(onlyYes.stderr).toContain('--confirm prod (--yes is not enough)')
    expectExit(await onProd('--confirm', 'prod'), 0)

    writeFileSync(join(cwd, 'migrations/0001_desk.sql'), '-- version: 1.0.0\nselect 2;\n')
    const edited = await run('status')
    expectExit(edited, 3)
    expect(edited.stdout).toMatch(/^!app\.1\.0\.0\s+edited/m)
    expect(edited.stdout.trimEnd().split('\n').slice(-2).join('\n')).toMatch(
      /^! app\.1\.0\.0 was edited after it was applied \(migrations\/0001_desk\.sql\)\n\d+ applied, 0 pending\.$/,
    )
    for (const line of edited.stdout
      .trimEnd()
      .split('\n')
      .filter((one) => one.startsWith(' ')))
      expect(line.length).toBeLessThanOrEqual(80)
  }, 120_000)

  it('goes on from every version of the schema qicore, also from one that has no run lock yet', async () => {
    const core = migrationSources(null).find(({stream}) => stream === 'core')!
    const versions = migrationsFor(core, engine.kind).map(({version}) => version)
    expect(versions.length).toBeGreaterThan(10)
    const url = await engine.urlFor(async () => {})
    for (const version of versions) {
      expectExit(await runCli(['migrate', 'up', '--to', version, '--yes', '--url', url]), 0)
      const status = jsonOf<Status>(await runCli(['migrate', 'status', '--url', url, '--json']))
      const applied = status.migrations.filter(({state}) => state === 'applied').map(({version: each}) => each)
      expect(applied).toEqual(versions.slice(0, versions.indexOf(version) + 1))
    }
  }, 120_000)

  it('refuses invalid requests with exit 2 and says what to do', async () => {
    const url = await engine.urlFor(async () => {})
    for (const [args, code] of [
      [['up', '--to', '9.9.9'], 'NO_SUCH_VERSION'],
      [['baseline', '9.9.9'], 'NO_SUCH_VERSION'],
      [
        ['up', '--engine', !engine.hypertables ? 'timescaledb' : 'postgres'],
        engine.kind === 'postgres' ? 'NO_TIMESCALEDB' : 'WRONG_ENGINE',
      ],
    ] as const) {
      const result = await runCli(['migrate', ...args, '--url', url, '--json'])
      expectExit(result, 2)
      expect(jsonOf(result)).toMatchObject({error: {code}})
    }
    const nothing = await runCli(['migrate', 'baseline', '1.0.0', '--url', url, '--json'])
    expectExit(nothing, 3)
    expect(jsonOf(nothing)).toMatchObject({error: {code: 'NOT_THERE'}})
    const status = await runCli(['migrate', 'status', '--url', url, '--json'])
    expect(jsonOf<Status>(status).migrations.filter(({state}) => state === 'applied')).toEqual([])
  }, 120_000)
})

forEachEngine({native: true}, (engine) => {
  it('with "migrations: own" QiCore\'s tables are left out, and status --check is clean; lines are not broken in a pipe', async () => {
    const url = await engine.urlFor(async () => {})
    const cwd = directoryWith({
      'qicore-db.config.yaml': 'version: 1\nmigrations: own\n',
      'migrations/0001_desk.sql': `-- version: 1.0.0\n-- description: ${'a long description '.repeat(8).trim()}\ncreate table desk (x int);\n`,
    })
    const dry = await runCli(['migrate', 'up', '--url', url, '--dry-run', '--json'], {cwd})
    expect(jsonOf<Change>(dry).steps.map(({id}) => id)).toEqual([
      expect.stringContaining('(schema qicore)'),
      'migrate app.1.0.0 desk',
    ])
    expectExit(await runCli(['migrate', 'up', '--url', url, '--yes'], {cwd}), 0)
    const status = await runCli(['migrate', 'status', '--check', '--url', url], {cwd, env: {COLUMNS: ''}})
    expectExit(status, 0)
    expect(status.stdout).toContain('a long description '.repeat(8).trim())
    expect(status.stdout).not.toMatch(/^.1\.0\.0/m)
    expectExit(
      await runCli(['migrate', 'status', '--check', '--url', url], {
        cwd: directoryWith({'qicore-db.config.yaml': 'version: 1\n'}),
      }),
      3,
    )
  })

  it("with --stream app only your own tables are created; QiCore's migrations stay pending", async () => {
    const url = await engine.urlFor(async () => {})
    const cwd = directoryWith({
      'qicore-db.config.yaml': 'version: 1\n',
      'migrations/0001_desk.sql': '-- version: 1.0.0\n-- description: desk\ncreate table public.desk (x int);\n',
    })
    expect((await runCli(['migrate', 'status', '--url', url], {cwd})).stdout).toMatch(
      /pending\.\s+Next: qicore-db migrate up --stream app\b.*\n$/,
    )
    const done = await runCli(['migrate', 'up', '--stream', 'app', '--url', url, '--yes', '--json'], {cwd})
    expectExit(done, 0)
    expect(jsonOf<Change>(done).steps.map(({id}) => id)).toEqual([
      expect.stringContaining('(schema qicore)'),
      'migrate app.1.0.0 desk',
    ])
    const {rows} = await withClient(url, (client) =>
      client.query(
        // Citus has views in public.
        `select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
          and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
      ),
    )
    expect(rows).toEqual([{relname: 'desk'}])
    const status = await runCli(['migrate', 'status', '--check', '--url', url, '--json'], {cwd})
    expectExit(status, 3)
    expect(
      jsonOf<Status>(status)
        .migrations.filter(({state}) => state === 'pending')
        .map(({version}) => version),
    ).not.toContain('app.1.0.0')
    expect((await runCli(['migrate', 'status', '--url', url], {cwd})).stdout).toContain(
      'Only tables of QiCore are pending',
    )
  })

  it('the first change says that it installs the schema qicore, and its dry run that it would', async () => {
    const url = await engine.urlFor(async () => {})
    const pause = ['jobs', 'pause', 'maintain', '--url', url]
    const dry = await runCli([...pause, '--dry-run'])
    expect(dry.stderr).toContain('First: a run would install the schema qicore')
    const first = await runCli(pause)
    expectExit(first, 0)
    expect(first.stderr).toContain(
      'First: installing the schema qicore, which keeps the record of changes, run locks and declared policies.',
    )
    expect(first.stdout).toMatch(/: 1 step done/)
    expect((await runCli(['jobs', 'resume', 'maintain', '--url', url])).stderr).not.toContain('First:')
  })
})

it('migrate new needs no database', async () => {
  const cwd = directoryWith({'qicore-db.config.yaml': 'version: 1\n'})
  const made = await runCli(['migrate', 'new', 'desk', '--json'], {cwd})
  expectExit(made, 0)
  expect(jsonOf(made)).toMatchObject({
    kind: 'migrate.new',
    version: 1,
    target: null,
    migration: {file: join(cwd, 'migrations/0001_desk.sql'), version: 'app.1.0.0'},
  })
  expectExit(await runCli(['migrate', 'new', 'desk']), 2)
})
