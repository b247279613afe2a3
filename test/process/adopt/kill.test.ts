import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {expectSameAsMirror, installed, startWriter, ticks} from '../../helpers/adopt.js'
import {root} from '../../helpers/build.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'

const wanted = 20
/** By hand: QICORE_TEST_KILLS=30. */
const wantedIntoHypertable = Number(process.env.QICORE_TEST_KILLS ?? 4)

forEachEngine({kinds: ['postgres', 'timescaledb'], native: true}, (engine) => {
  it('an adoption that is killed at any moment, while rows are written, is finished by the next run: nothing is lost or doubled', {
    timeout: 600_000,
  }, async () => {
    let kills = 0
    while (kills < wanted) {
      const database = await engine.database()
      await installed(database)
      await database.run(ticks(60_000))
      const kindNow = () => database.run("select relkind as kind from pg_class where oid = 'ticks'::regclass")
      await whileWriting(database, () => runKilling(database, [], 2_000, () => (kills += 1)))
      expect(await kindNow()).toEqual([{kind: 'p'}])
      await expectSameAsMirror(database)
      await whileWriting(database, () => runKilling(database, ['--undo'], 800, () => (kills += 1)))
      expect(await kindNow()).toEqual([{kind: 'r'}])
      await expectSameAsMirror(database)
      expect(await database.run("select from pg_namespace where nspname ~ '^qicore_adopt'")).toEqual([])
    }
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('so is an adoption of a table or a set as a hypertable', {timeout: 600_000}, async () => {
    let kills = 0
    for (let turn = 0; kills < wantedIntoHypertable; turn += 1) {
      const database = await engine.database()
      await installed(database)
      await database.run(ticks(60_000))
      const before = turn % 2 === 0 ? 'r' : 'p'
      if (before === 'p') await database.run(asSet)
      const into = ['--to', 'hypertable', '--every', 'day']
      await whileWriting(database, () => runKilling(database, into, 2_000, () => (kills += 1)), 'within the minute')
      expect(await isHypertable(database)).toBe(true)
      await expectSameAsMirror(database)
      await whileWriting(database, () => runKilling(database, ['--undo'], 800, () => (kills += 1)), 'within the minute')
      expect(await isHypertable(database)).toBe(false)
      await expectSameAsMirror(database)
      expect(await database.run("select from pg_namespace where nspname ~ '^qicore_adopt'")).toEqual([])
    }
  })
})

/** The same table as a set of months, and one partition for all other times. */
const asSet = `drop table ticks;
create table ticks (like mirror) partition by range (time);
create table ticks_jan partition of ticks for values from ('2026-01-01Z') to ('2026-02-01Z');
create table ticks_rest partition of ticks default;
insert into ticks select * from mirror;
alter table ticks add constraint ticks_pkey primary key (symbol, time); create index ticks_time_idx on ticks (time)`

async function isHypertable({run}: TestDatabase): Promise<boolean> {
  return (await run("select from timescaledb_information.hypertables where hypertable_name = 'ticks'")).length > 0
}

async function whileWriting(
  database: TestDatabase,
  work: () => Promise<void>,
  moved: Parameters<typeof startWriter>[1] = 'anywhere',
): Promise<void> {
  const writer = await startWriter(database.url, moved)
  try {
    await work()
    await sleep(50)
  } finally {
    expect(await writer.stop()).toBeGreaterThan(10)
  }
}

async function runKilling(database: TestDatabase, more: string[], most: number, killed: () => void): Promise<void> {
  // The longest run grows, so that a busy machine, on which a process needs seconds to start, gets to the end.
  for (let longest = most; ; longest *= 1.2) {
    if ((await runFor(database, more, 400 + Math.random() * (longest - 400))) !== null) return
    killed()
  }
}

/** Runs the command and kills it after some milliseconds. Null if it was killed; otherwise it must have succeeded. */
async function runFor({url, run}: TestDatabase, more: string[], ms: number): Promise<0 | null> {
  const cwd = temporaryDirectory()
  const child = spawn(
    process.execPath,
    [join(root, 'bin/run.js'), 'partitions', 'adopt', 'ticks', '--yes', '--url', url, ...more],
    {cwd, env: {PATH: process.env.PATH ?? '', HOME: cwd}, stdio: ['ignore', 'pipe', 'pipe']},
  )
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(timer)
  // The session of a killed process completes what was already sent; its lock is released then.
  for (let left = true; left; await sleep(20))
    left =
      (
        await run(
          "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%'",
        )
      ).length > 0
  if (code === null) return null
  expect(code, output).toBe(0)
  return 0
}
