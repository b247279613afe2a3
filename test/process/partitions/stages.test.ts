import {expect, it} from 'vitest'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {monthsAhead, today} from '../../helpers/clock.js'
import {directoryWith} from '../../helpers/files.js'

const config = `version: 1
tables:
  public.ticks:
    partitions: {every: year, ahead: 0}
    retention: {detach: 4y, archive: {after: 14y, schema: archive}, drop: 24y}
`

const parts = `create schema archive; create table ticks (time timestamptz not null, x int) partition by range (time);
create table old_1 partition of ticks for values from ('2000-01-01+00') to ('2001-01-01+00');
create table old_2 partition of ticks for values from ('2010-01-01+00') to ('2011-01-01+00');
create table old_3 partition of ticks for values from ('2020-01-01+00') to ('2021-01-01+00');
create table new partition of ticks for values from (${monthsAhead(-2)}) to (${monthsAhead(2)});
insert into ticks values ('2000-05-01+00', 1), ('2010-05-01+00', 2), ('2020-05-01+00', 3), (${today}, 4)`

interface Detached {
  partition: string
  stage: string
  next: string | null
  nextAt: string | null
}

/** Runs the program beside a configuration that declares the stages. */
function program({url}: Pick<TestDatabase, 'url'>, text = config) {
  const cwd = directoryWith({'qicore-db.config.yaml': text})
  const cli = (...args: string[]) => runCli([...args, '--url', url], {cwd})
  const json = async <T>(...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout) as T
  return {cli, json, detached: async () => (await json<{detached: Detached[]}>('partitions', 'detached')).detached}
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('partitions retain asks for what it does: y for a detach, the name of the target for a drop', async () => {
    const database = await engine.database()
    await database.run(parts)
    const {cli, json, detached} = program(database)
    const name = database.db.server.database
    const dry = await cli('partitions', 'retain', 'ticks', '--dry-run', '--sql')
    expectExit(dry, 0)
    expect(dry.stdout).toContain('detach partition "public"."old_1" concurrently')
    expect(await database.run("select from pg_namespace where nspname = 'qicore'")).toEqual([])
    expectExit(await cli('partitions', 'retain', 'ticks'), 7)
    expectExit(await cli('partitions', 'retain', 'ticks', '--yes'), 0)
    expect((await detached()).map(({partition, stage, next, nextAt}) => [partition, stage, next, nextAt])).toEqual([
      ['old_1', 'detached', 'drop', '2025-01-01T00:00:00.000Z'],
      ['old_2', 'detached', 'move', '2025-01-01T00:00:00.000Z'],
      ['old_3', 'detached', 'move', '2035-01-01T00:00:00.000Z'],
    ])
    expectExit(await cli('partitions', 'retain', 'ticks', '--yes'), 7)
    // Its stages are no age for a drop that follows none of them.
    const drop = await cli('partitions', 'drop', 'ticks', '--confirm', name)
    expectExit(drop, 2)
    expect(drop.stderr).toContain('partitions retain public.ticks --dry-run')
    const findings = async () =>
      (await json<{tables: {findings: {kind: string; message: string}[]}[]}>('partitions', 'list')).tables[0]!.findings
    expect((await findings()).filter(({kind}) => kind === 'stages due')).toEqual([
      {
        kind: 'stages due',
        message: expect.stringMatching(
          /^2 stages of its retention are due and not done, the first since 2025-01-01T00:00:00Z: (drop of public\.old_1|move of public\.old_2)/,
        ),
      },
    ])
    const {steps} = await json<{steps: {id: string; status: string}[]}>(
      'partitions',
      'retain',
      'ticks',
      '--confirm',
      name,
    )
    expect(steps.map(({id, status}) => `${id} ${status}`)).toEqual(['drop public.old_1 done', 'move public.old_2 done'])
    expect((await json<{steps: unknown[]}>('partitions', 'retain', 'ticks', '--confirm', name)).steps).toEqual([])
    expect((await cli('partitions', 'detached', '--dropped', '--csv')).stdout.split('\n').slice(1, 4)).toEqual([
      expect.stringContaining(',old_1,'),
      expect.stringContaining(',archive,old_2,'),
      expect.stringContaining(',old_3,'),
    ])
    expect((await findings()).filter(({kind}) => kind === 'stages due')).toEqual([])
    const history = await json<{runs: {operation: string; status: string}[]}>('history')
    expect(
      history.runs.filter(({operation}) => operation.startsWith('partitions retain')).map(({status}) => status),
    ).toEqual(['done', 'done'])
  })

  it('a policy with stages is planned, confirmed, listed, carried out by the job, and imported again', async () => {
    const database = await engine.database()
    await database.run(parts)
    const {cli, json, detached} = program(database)
    const name = database.db.server.database
    expectExit(await cli('policies', 'apply', '--yes'), 7)
    expectExit(await cli('policies', 'apply', '--confirm', name), 0)
    const stages = {detach: '4 years', archive: ['14 years', 'schema archive'], drop: '24 years'}
    const {policies} = await json<{policies: object[]}>('policies', 'list')
    expect(policies).toMatchObject([
      {kind: 'retention', gated: true, declared: stages, live: {...stages, consentValid: true}},
    ])
    expect((await json<{steps: unknown[]}>('policies', 'plan')).steps).toEqual([])
    const imported = program(database, 'version: 1\n')
    expect((await imported.cli('policies', 'import')).stdout).toMatch(
      /retention: *\{? *\n? *detach: 4 years,?\s+archive: *\{? *\n? *after: 14 years,?\s+schema: archive *\}?,?\s+drop: 24 years/,
    )
    const status = async () =>
      (
        await json<{policies: {kind: string; ok: boolean; notDone: {chunk: string; code: string}[]}[]}>(
          'policies',
          'status',
        )
      ).policies.map(({ok, notDone}) => [ok, ...notDone.map(({chunk, code}) => `${chunk} ${code}`)])
    expect(await status()).toEqual([
      [false, 'public.old_1 not_detached', 'public.old_2 not_detached', 'public.old_3 not_detached'],
    ])
    expectExit(await cli('jobs', 'run', 'retain', '--yes'), 0)
    expect(await status()).toEqual([[false, 'public.old_1 not_dropped', 'public.old_2 not_moved']])
    expectExit(await cli('jobs', 'run', 'retain', '--confirm', name), 0)
    expect(await status()).toEqual([[true]])
    expect((await detached()).map(({partition, stage}) => `${partition} ${stage}`)).toEqual([
      'old_2 archived',
      'old_3 detached',
    ])
    await database.run(`update qicore.policies set config = config || '{"drop": "1 year"}'`)
    const refused = await cli('jobs', 'run', 'retain')
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr + refused.stdout).toMatch(/not confirmed since it was changed/)
    expect(
      await database.run('select count(*)::int as n from qicore.detached_partition where dropped_at is null'),
    ).toEqual([{n: 2}])
  })

  it('says all mistakes in the stages of a file at once', async () => {
    const database = await engine.database()
    const {cli} = program(
      database,
      `version: 1
tables:
  public.a: {retention: {after: 1y, drop: 2y}}
  public.b: {retention: {detach: 2y, archive: {after: 1y}, drop: 6mon}}
  public.c: {retention: {}}
  public.d: {retention: {drop: 1y, native: true}}
  public.e: {retention: {detach: 5, drop: 1y}}
`,
    )
    const {stderr, exitCode} = await cli('config', 'show')
    expect(exitCode).toBe(2)
    const text = stderr.replaceAll(/\s+/g, ' ')
    for (const words of [
      'tables.public.a.retention.after: after drops at once',
      'tables.public.b.retention.archive: write schema, tablespace or export',
      '1 year is less than the 2 years of detach: archive comes after it',
      '6 months is less than the 1 year of archive: drop comes after it',
      'tables.public.c.retention: write after, or detach',
      'tables.public.d.retention.native: a native retention has no stages',
      'tables.public.e.retention.detach',
    ])
      expect(text).toContain(words)
  })
})
