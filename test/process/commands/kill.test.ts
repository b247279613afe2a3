import {spawn} from 'node:child_process'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {sql, statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {targetOf, writing} from '../../helpers/server.js'
import {tenDays} from '../../helpers/chunks.js'

interface Report {
  steps: {id: string; status: string; note: string | null}[]
  error: {code: string; message: string}
}

/** The command, its number of steps, and a query that is empty when all of its work is done. */
interface Work {
  name: string
  args: readonly string[]
  steps: number
  /** Run again with --json, it has no step left. */
  left: readonly string[]
}

const works: Work[] = [
  {
    name: 'policies apply',
    args: ['policies', 'apply', '--confirm', 'prod', '--accept', 'uncovered:public.hours'],
    steps: 4,
    left: ['policies', 'plan', '--check'],
  },
  {
    name: 'chunks drop',
    args: ['chunks', 'drop', 'm', '--older-than', '2024-01-04', '--accept-loss', '--confirm', 'prod'],
    steps: 3,
    left: ['chunks', 'drop', 'm', '--older-than', '2024-01-04', '--accept-loss', '--dry-run'],
  },
  {
    name: 'aggregates refresh',
    args: ['aggregates', 'refresh', 'hours', '--from', '2024-01-05', '--to', '2024-01-08'],
    steps: 3,
    left: ['aggregates', 'refresh', 'hours', '--from', '2024-01-05', '--to', '2024-01-08', '--dry-run'],
  },
]

/** Any number that no other test locks. */
const gate = 7_315_442

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  for (const {name, args, steps, left} of works)
    for (const how of ['kill -9 of the command', 'a lost connection'] as const)
      it(`${name}: ${how} at every step loses nothing, and ${how === 'a lost connection' ? 'the run' : 'the next run'} finishes`, async () => {
        for (let step = 0; step < steps; step += 1) {
          const {url, cwd} = await prepared((fill) => engine.urlFor(fill), step)
          const admin = await connect(targetOf(url), {applicationName: 'admin'})
          const holder = await admin.openSession()
          let free = () => {}
          const held = holder.transaction(writing, async (tx) => {
            await tx.query(sql`select pg_advisory_xact_lock(${gate})`)
            await new Promise<void>((resolve) => (free = resolve))
          })
          const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args, '--json'], {
            cwd,
            stdio: ['ignore', 'pipe', 'ignore'],
            env: {PATH: process.env.PATH ?? '', HOME: cwd},
          })
          let stdout = ''
          child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
          const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
          await expect.poll(() => waiting(admin), {timeout: 30_000}).toHaveLength(1)
          if (how === 'a lost connection') {
            // The gate is opened first, so that the next attempt does not wait at it again.
            free()
            await admin.query(
              statement(
                'select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1 and datname = current_database()',
                ['qicore-db/%'],
              ),
            )
            await held
            expect(await ended, stdout).toBe(0)
            expect((JSON.parse(stdout) as Report).steps.map(({status}) => status)).toEqual(
              Array.from({length: steps}, () => 'done'),
            )
          } else {
            // A refresh commits before it is recorded, and the other steps continue meanwhile: a second run may have
            // nothing to do.
            if (step === 0 && name !== 'aggregates refresh') {
              const second = await runCli([...args, '--json'], {cwd})
              expectExit(second, 5)
              expect(jsonOf<Report>(second).error).toMatchObject({
                code: 'LOCKED',
                message: expect.stringContaining(name),
              })
            }
            child.kill('SIGKILL')
            await ended
            free()
            await held
            const next = await runCli([...args, '--json'], {cwd})
            expectExit(next, 0)
            expect(jsonOf<Report>(next).steps.filter(({status}) => status !== 'done')).toEqual([])
          }
          const nothing = await runCli([...left, '--json'], {cwd})
          expectExit(nothing, 0)
          expect(jsonOf<Report>(nothing).steps).toEqual([])
          await Promise.all([admin.close(), holder.close()])
        }
      }, 240_000)
})

/**
 * A database whose ledger waits at the gate before it records the step at that position, and a configuration for it.
 */
async function prepared(
  urlFor: (fill: (database: TestDatabase) => Promise<unknown>) => Promise<string>,
  position: number,
): Promise<{url: string; cwd: string}> {
  const url = await urlFor(async (database) => {
    // As `migrate up` records it: a schema without records would be installed again.
    await execute(database.db, await planInstall(database.db), {limits: defaultLimits, ledger: null})
    await database.db.probe()
    await tenDays(database)
    await database.autocommit(
      "create materialized view hours with (timescaledb.continuous, timescaledb.materialized_only = true) as select time_bucket(interval '1 hour', time) as bucket, dev, count(*) as n from m group by 1, 2 with no data",
    )
    await database.run(`create function public.at_gate() returns trigger language plpgsql as $$
begin
  if new.position = ${position} then
    perform pg_advisory_xact_lock(${gate});
  end if;
  return new;
end $$;
create trigger at_gate before insert on qicore.maintenance_step for each row execute function public.at_gate()`)
  })
  const cwd = temporaryDirectory()
  writeFileSync(
    join(cwd, 'qicore-db.config.yaml'),
    `version: 1
default: prod
targets: { prod: { url: "${url}" } }
tables:
  public.m:
    chunkInterval: 12 hours
    compression: { after: 30 days, segmentBy: [dev], orderBy: [time desc] }
    retention: { after: 90 days }
aggregates:
  public.hours: { refresh: { startOffset: 3 days, endOffset: 1 hour, every: 1 hour } }
`,
  )
  return {url, cwd}
}

function waiting(admin: Database): Promise<unknown[]> {
  return admin.query(
    statement(
      "select from pg_locks l where l.locktype = 'advisory' and not l.granted and l.database = (select oid from pg_database where datname = current_database())",
    ),
  )
}
