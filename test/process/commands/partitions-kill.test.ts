import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {root} from '../../helpers/build.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {stepResults, run} from '../../helpers/partitions.js'

const older = {
  relation: 'public.ticks',
  olderThan: {months: 12, days: 0, seconds: 0},
  timezone: 'UTC',
  acceptLoss: false,
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a partitions drop that is killed while its detach waits is finished by the next one', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (time timestamptz not null) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table new partition of ticks for values from ('2020-02-01+00') to ('2120-01-01+00'); insert into ticks values ('2020-01-05+00')`)
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    const holder = await database.db.openSession()
    const cwd = temporaryDirectory()
    await holder.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 60_000}, async (tx) => {
      await tx.query(statement('lock table only public.old_1 in access share mode'))
      const child = spawn(
        process.execPath,
        [
          join(root, 'bin/run.js'),
          'partitions',
          'drop',
          'ticks',
          '--older-than',
          '12mon',
          '--confirm',
          name,
          '--url',
          database.url,
        ],
        {
          cwd,
          env: {PATH: process.env.PATH ?? '', HOME: cwd},
          stdio: 'ignore',
        },
      )
      for (let waiting = false; !waiting; ) {
        expect(child.exitCode).toBeNull()
        const rows = await database.run(
          "select from pg_locks where not granted and mode = 'AccessExclusiveLock' and relation = 'old_1'::regclass",
        )
        waiting = rows.length > 0
        if (!waiting) await sleep(5)
      }
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    await holder.close()
    // The session of the killed process completes what was already sent.
    for (let left = true; left; await sleep(20))
      left =
        (
          await database.run(
            "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%'",
          )
        ).length > 0
    const {plan} = await planDrop(database.db, older)
    expect(plan.steps.at(-1)!.id).toBe('drop public.old_1')
    expect(stepResults(await run(database.db, plan)).at(-1)).toBe('drop public.old_1: done')
    expect(await database.run("select to_regclass('old_1') as found")).toEqual([{found: null}])
  })
})
