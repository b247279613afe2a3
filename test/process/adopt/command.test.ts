import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import {expectSameAsMirror, ticks} from '../../helpers/adopt.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {printedCommands} from '../../helpers/printed.js'

interface Report {
  kind: string
  dryRun: boolean
  steps: {id: string; status: string; class?: string; sql?: string}[]
  carried: string[]
  notes: string[]
}

const command = ({url}: Pick<TestDatabase, 'url'>, ...more: string[]) =>
  runCli(['partitions', 'adopt', 'ticks', '--url', url, ...more])
const kindOf = ({run}: TestDatabase) => run("select relkind as kind from pg_class where oid = 'public.ticks'::regclass")

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('asks before it changes anything, prints runnable SQL, reports what is carried over, and asks for the name before the old table is dropped', async () => {
    const database = await engine.database()
    await database.run(ticks(2_000))
    const name = new URL(database.url).pathname.slice(1)
    const dry = await command(database, '--every', '2 weeks', '--dry-run')
    expectExit(dry, 0)
    expect(dry.stdout).toContain('lock table "public"."ticks" in access exclusive mode')
    expect(dry.stderr).toContain('ticks_pkey')
    expectExit(await command(database, '--every', '2 weeks'), 7)
    expect(await kindOf(database)).toEqual([{kind: 'r'}])

    const done = await command(database, '--every', '2 weeks', '--yes', '--json')
    expectExit(done, 0)
    const report = jsonOf<Report>(done)
    expect(report).toMatchObject({kind: 'partitions.adopt', dryRun: false})
    expect(report.steps.every(({status}) => status === 'done')).toBe(true)
    expect(report.carried).toContain('1 primary and unique key: ticks_pkey')
    expect(report.notes.at(-1)).toContain('every: 2 weeks')
    await expectSameAsMirror(database)

    // The commands that the next run names can be run as they are.
    const again = jsonOf<Report>(await command(database, '--json'))
    const next = again.notes.flatMap(printedCommands)
    expect(next).toHaveLength(2)
    for (const {words} of next) expectExit(await runCli([...words, '--dry-run']), 0)

    expectExit(await command(database, '--finish', '--yes'), 7)
    expectExit(await command(database, '--finish', '--confirm', name), 0)
    expect(await database.run("select from pg_namespace where nspname ~ '^qicore_adopt'")).toEqual([])
    expectExit(await command(database, '--finish', '--confirm', name), 0)
    expectExit(await command(database, '--undo', '--yes'), 0)
    expect(await kindOf(database)).toEqual([{kind: 'p'}])
  })

  it('works for an owner who is no superuser, and a role that may only insert writes on throughout', async () => {
    const database = await engine.database()
    await database.run(ticks(2_000))
    const id = randomBytes(4).toString('hex')
    const [owner, writer] = [`owner_${id}`, `writer_${id}`]
    await database.run(`create role ${owner} login; create role ${writer} login;
alter table ticks owner to ${owner}; alter table mirror owner to ${owner};
grant create on schema public to ${owner}; grant insert on ticks, mirror to ${writer}`)
    await database.run(
      `do $$ begin execute format('grant create on database %I to ${owner}', current_database()); end $$`,
    )
    const url = new URL(database.url)
    url.username = owner
    const insert = (n: number) =>
      database.run(
        `set local role ${writer}; insert into ticks values ('w', '2026-01-01T00:00:00Z'::timestamptz + ${n} * interval '1 second', 1, null); insert into mirror values ('w', '2026-01-01T00:00:00Z'::timestamptz + ${n} * interval '1 second', 1, null)`,
      )
    try {
      for (let n = 0; ; n += 1) {
        const done = await command({url: url.href}, '--yes', '--json', '--at-most', '6')
        expectExit(done, 0)
        await insert(n)
        if (jsonOf<Report>(done).steps.length === 0) break
      }
      expect(await kindOf(database)).toEqual([{kind: 'p'}])
      await expectSameAsMirror(database)
      expectExit(await command({url: url.href}, '--undo', '--yes'), 0)
      await expectSameAsMirror(database)
    } finally {
      await database.run(`drop owned by ${owner}, ${writer} cascade; drop role ${owner}, ${writer}`)
    }
  })

  it('a session that holds the table is named, and other sessions wait no longer than the lock timeout', async () => {
    const database = await engine.database()
    await database.run(ticks(500))
    const holder = await database.db.openSession()
    const writing = {readOnly: false, lockTimeout: 0, statementTimeout: 0}
    await holder.transaction(writing, async (tx) => {
      await tx.query({text: "update public.ticks set price = 3 where symbol = 'a'", values: []})
      const done = await command(database, '--yes', '--json', '--wait', '2s')
      expect(done.stdout).toMatch(/pid \d+ \(.*holds.*public\.ticks/)
      expect(jsonOf<Report>(done).steps.find(({status}) => status === 'failed')?.id).toBe(
        'record changes of public.ticks',
      )
    })
    await holder.close()
    expectExit(await command(database, '--yes'), 0)
    await database.run("update mirror set price = 3 where symbol = 'a'")
    await expectSameAsMirror(database)
  })
})
