import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import {connect} from '../../../../src/db/connect.js'
import {withDatabase, type Database, type Target} from '../../../../src/db/database.js'
import {statement} from '../../../../src/db/sql.js'
import {differences, readSnapshot} from '../../../../src/schema/catalog.js'
import {readRecorded} from '../../../../src/schema/migrate/recorded.js'
import {planFor} from '../../../../src/schema/migrate/request.js'
import {runCli} from '../../../helpers/cli.js'
import {forEachEngine, skipBecause} from '../../../helpers/engines.js'
import {noPgbouncer, startPgbouncer} from '../../../helpers/pgbouncer.js'
import {applicationName, targetOf, writing} from '../../../helpers/server.js'
import {temporaryDirectory} from '../../../helpers/files.js'
import {replay} from '../../../helpers/schema-replay.js'
import {up, withMigrations} from '../../../helpers/migrate-up.js'

const open = (target: Target) => connect(target, {applicationName, create: true})
const snapshotOf = (db: Database) => readSnapshot(db, ['public', 'qicore'])

forEachEngine({}, (engine) => {
  it('killed at any moment and repeated until it succeeds, gives the same result as one run', async () => {
    const whole = await engine.database()
    await replay(whole)
    const expected = await snapshotOf(whole.db)
    const url = await engine.urlFor(async () => {})
    // From the start of node to well into the migrations; the last one is not killed.
    const moments = engine.native ? [250, 330, 410, 500, 600] : [1_300, 2_600]
    for (const timeout of moments) await runCli(['migrate', 'up', '--yes', '--url', url], {timeout, process: true})
    const last = await runCli(['migrate', 'up', '--yes', '--url', url], {process: true})
    expect(last.exitCode, last.stderr).toBe(0)
    await withDatabase(targetOf(url), {applicationName}, async (db) => {
      expect(differences(expected, await snapshotOf(db))).toEqual([])
      const versions = (await readRecorded(db)).map(({version}) => version)
      expect(new Set(versions).size).toBe(versions.length)
      expect((await planFor(db, {})).plan.steps).toEqual([])
    })
  }, 240_000)
})

forEachEngine({native: true}, (engine) => {
  it('run several times at once on an empty database, is done once', async () => {
    const {target, db} = await engine.database()
    const crowd = await Promise.all([1, 2, 3, 4].map(() => open(target)))
    const reports = await Promise.all(crowd.map((one) => up(one)))
    await Promise.all(crowd.map((one) => one.close()))
    await db.probe()
    const done = reports.flatMap(({steps}) => steps).filter(({status}) => status === 'done')
    expect(reports.flatMap(({steps}) => steps).filter(({status}) => status === 'failed')).toEqual([])
    // The schema qicore is one step of several versions.
    expect(done.map(({id}) => id).sort()).toEqual([...new Set(done.map(({id}) => id))].sort())
    expect((await planFor(db, {})).plan.steps).toEqual([])
  })

  it('waits for a table that another session has locked, names that session, and continues when it is free', async () => {
    const {target, db, run} = await engine.database()
    await run('create table busy (x int)')
    const configDirectory = withMigrations({'0001_a.sql': '-- version: 1.0.0\nalter table busy add column y int;\n'})
    const options = {configDirectory, stream: 'app' as const}
    const reader = await open(target)
    let release = () => {}
    const reading = reader.transaction({...writing, readOnly: true}, async (tx) => {
      await tx.query(statement('select from busy'))
      await new Promise<void>((resolve) => (release = resolve))
    })
    const waits: string[] = []
    const {steps} = await up(db, options, (progress) => {
      if (progress.event !== 'wait') return
      waits.push(progress.reason)
      release()
    })
    await reading
    await reader.close()
    expect(steps.at(-1)).toMatchObject({id: 'migrate app.1.0.0 a', status: 'done'})
    expect(waits[0]).toMatch(/^pid \d+ \(postgres, .*\) holds AccessShareLock on public\.busy/)
  })

  it('creates objects as the role of the target', async () => {
    const {target, db, run} = await engine.database()
    const role = `owner_${randomBytes(6).toString('hex')}`
    await run(`create role ${role}`)
    try {
      const [name] = await run<{name: string}>('select current_database() as name')
      await run(`grant create on database "${name!.name}" to ${role}; grant create on schema public to ${role}`)
      const owned = await open({...target, role})
      const {steps} = await up(owned)
      await owned.close()
      expect(steps.filter(({status}) => status !== 'done')).toEqual([])
      expect(
        await run(
          "select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace in ('qicore'::regnamespace, 'public'::regnamespace) and relkind in ('r', 'p') and not exists (select from pg_depend d where d.objid = pg_class.oid and d.deptype = 'e')",
        ),
      ).toEqual([{owner: role}])
    } finally {
      await db.probe()
      await run(`drop owned by ${role} cascade; drop role ${role}`)
    }
  })
})

const missing = noPgbouncer()
if (missing !== null) skipBecause(missing)
else
  forEachEngine({native: true}, (engine) => {
    it('works through a transaction pooler, and leaves nothing on its connections', async () => {
      const {url} = await engine.database()
      const {hostname, port, pathname} = new URL(url)
      const pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)})
      try {
        const pooled = targetOf(`postgres://postgres@127.0.0.1:${pooler.port}${pathname}`)
        await withDatabase(pooled, {applicationName}, async (db) => {
          expect(db.server.pooled).toBe(true)
          expect((await up(db, {spacePartitions: 2})).steps.filter(({status}) => status !== 'done')).toEqual([])
          expect((await up(db)).steps).toEqual([])
          const [left] = await db.query(
            statement(
              "select nullif(current_setting('qicore.space_partitions', true), '') as setting, (select count(*)::int from pg_locks where locktype = 'advisory') as locks",
            ),
          )
          expect(left).toEqual({setting: null, locks: 0})
        })
      } finally {
        await pooler.stop()
      }
    })
  })
