import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {readDetached} from '../../../src/partitions/retain/detached.js'
import {root} from '../../helpers/build.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {exportedFiles, type ExportedRow} from '../../helpers/exported-rows.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'
import {up} from '../../helpers/migrate-up.js'

/** Partitions of each stage, and rows of each partition. */
const [each, rows] = [3, 2000]
/** How many runs are killed; an operator can try more. */
const kills = Number(process.env.QICORE_TEST_KILLS ?? 8)

/** Years whose partitions are due to be dropped, archived and detached. */
const years = [1996, 2006, 2016].flatMap((first) => Array.from({length: each}, (_, index) => first + index))

async function fill({run: query}: TestDatabase): Promise<void> {
  const parts = years.map(
    (
      year,
    ) => `create table old_${year} partition of ticks for values from ('${year}-01-01+00') to ('${year + 1}-01-01+00');
insert into ticks select n, timestamptz '${year}-01-01+00' + n * interval '1 minute', repeat('x', n % 30) from generate_series(1, ${rows}) n;`,
  )
  await query(`drop schema if exists archive cascade; drop table if exists ticks cascade; create schema archive;
do $$ declare t text; begin for t in select relid::regclass from pg_stat_user_tables where schemaname = 'public' and relname like 'old%' loop execute 'drop table ' || t; end loop; end $$;
delete from qicore.detached_partition;
create table ticks (id bigint, time timestamptz not null, x text) partition by range (time);
create table new partition of ticks for values from ('2021-01-01+00') to ('2120-01-01+00');
${parts.join('\n')} insert into ticks values (0, ${today}, 'now')`)
}

/** Rows of a year, and their sum: in the set, in a table beside it, or in its file if it was dropped. */
async function found({run: query}: TestDatabase, to: string): Promise<Map<number, string>> {
  const tables = await query<{name: string; year: number}>(
    `select c.oid::regclass::text as name, substr(c.relname, 5)::int as year from pg_class c where c.relname ~ '^old_\\d+$' and c.relkind = 'r'`,
  )
  const all = new Map<number, string>()
  for (const {name, year} of tables) {
    const [row] = await query<{text: string}>(
      `select concat(count(*), ' ', sum(id), ' ', sum(length(x))) as text from ${name}`,
    )
    all.set(year, row!.text)
  }
  for (const [name, lines] of await exportedFiles(to)) {
    const year = Number(/^public\.old_(\d+)$/.exec(name)?.[1] ?? 0)
    if (year === 0 || all.has(year)) continue
    const sum = (of: (row: ExportedRow) => number) => lines.reduce((total, row) => total + of(row), 0)
    all.set(year, `${lines.length} ${sum(({id}) => Number(id))} ${sum(({x}) => String(x).length)}`)
  }
  return all
}

async function waitForSessions({run: query}: TestDatabase): Promise<void> {
  const sessions =
    "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%'"
  while ((await query(sessions)).length > 0) await sleep(20)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it.each(['csv', 'parquet'])(
    'a retention in stages with an export as %s that is killed again and again loses and doubles no row, and the next run finishes it',
    async (format) => {
      const database = await engine.database()
      await up(database.db, {stream: 'core'})
      const name = database.db.server.database
      let to = temporaryDirectory()
      const place = () =>
        directoryWith({
          'qicore-db.config.yaml': `version: 1
tables:
  public.ticks:
    partitions: {every: year, ahead: 0}
    retention: {detach: 4y, archive: {after: 14y, schema: archive, export: {to: ${to}, format: ${format}}}, drop: 24y}
`,
        })
      let cwd = place()
      const args = ['partitions', 'retain', 'ticks', '--confirm', name, '--url', database.url]
      await fill(database)
      const before = await found(database, to)
      const delays = fc.sample(fc.integer({min: 0, max: 1200}), {numRuns: kills, seed: 15})
      let interrupted = 0
      const dropped = async () =>
        (await database.run('select from qicore.detached_partition where dropped_at is not null')).length
      for (const delay of delays) {
        const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {
          cwd,
          env: {PATH: process.env.PATH ?? '', HOME: cwd},
          stdio: 'ignore',
        })
        // From the moment at which it is connected, not while Node starts.
        for (let working = false; !working && child.exitCode === null; await sleep(5))
          working =
            (
              await database.run(
                "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%'",
              )
            ).length > 0
        await sleep(delay)
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        if (child.signalCode !== null) interrupted += 1
        await waitForSessions(database)
        expect(await found(database, to)).toEqual(before)
        if ((await dropped()) < each) continue
        to = temporaryDirectory()
        cwd = place()
        await fill(database)
      }
      expect(interrupted).toBeGreaterThan(1)
      for (let left = 1; left > 0; ) {
        const done = await runCli([...args, '--json'], {cwd})
        expectExit(done, 0)
        left = (JSON.parse(done.stdout) as {steps: unknown[]}).steps.length
      }
      expect(await found(database, to)).toEqual(before)
      const stages = (await readDetached(database.db, {rules: [], relation: null, dropped: true})).detached
      expect(stages.map(({stage}) => stage)).toEqual(
        ['dropped', 'archived', 'detached'].flatMap((stage) => Array.from({length: each}, () => stage)),
      )
    },
    600_000,
  )
})
