import {expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {runCli, expectExit, jsonOf} from '../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {stepResults, run} from '../../helpers/partitions.js'

const older = {
  relation: 'public.ticks',
  olderThan: {months: 12, days: 0, seconds: 0},
  timezone: 'UTC',
  acceptLoss: false,
}

/** Three partitions of 2020 and one of now; two rows of another table reference the second. */
const sets = ({run: query}: TestDatabase) =>
  query(`create table ticks (id int, time timestamptz, primary key (id, time)) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table old_2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
create table old_3 partition of ticks for values from ('2020-03-01+00') to ('2020-04-01+00');
create table new partition of ticks for values from ('2020-04-01+00') to ('2120-01-01+00');
insert into ticks values (1, '2020-01-05+00'), (2, '2020-02-05+00'), (3, '2020-03-05+00');
create table kid (id int, at timestamptz, constraint "kid to ticks" foreign key (id, at) references ticks);
insert into kid values (2, '2020-02-05+00'), (2, '2020-02-05+00'), (2, null)`)

const key = {foreignKey: '"kid to ticks"', table: 'public.kid'}
const used = [
  {...key, partition: 'public.old_1', rows: 0},
  {...key, partition: 'public.old_2', rows: 2},
  {...key, partition: 'public.old_3', rows: 0},
]

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a plan names the foreign key, its table and the rows that reference a partition; the partitions after it are detached anyway', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan, notes, references} = await planDetach(database.db, older)
    expect(references).toEqual(used)
    expect((await planDrop(database.db, older)).references).toEqual(used)
    expect(notes).toContain(
      'public.old_2: 2 rows refer to it by foreign key "kid to ticks" of public.kid. PostgreSQL refuses to detach it until these rows of public.kid are deleted or changed; the other partitions are not affected.',
    )
    expect(stepResults(await run(database.db, plan))).toEqual([
      'detach public.old_1: done',
      'finalize public.old_1: done',
      'detach public.old_2: failed',
      'finalize public.old_2: skipped',
      'detach public.old_3: done',
      'finalize public.old_3: done',
    ])
    await database.run('delete from kid where at is not null')
    const again = await planDetach(database.db, older)
    expect(again.notes).toContain('No row refers to these partitions by foreign key "kid to ticks" of public.kid.')
    expect(stepResults(await run(database.db, again.plan))).toEqual([
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
  })

  it('rows that are locked or may not be read are unknown, and are not waited for', async () => {
    const database = await engine.database()
    await sets(database)
    const other = await database.db.openSession()
    await other.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
      await tx.query(statement('lock table public.kid in access exclusive mode'))
      // The lock is held until the plan is made: one that waited for it would not end.
      const {references, notes} = await planDetach(database.db, older)
      expect(references.map(({rows}) => rows)).toEqual([null, null, null])
      expect(notes[0]).toMatch(
        /^public\.old_1: it is unknown whether rows refer to it by foreign key "kid to ticks" of public\.kid/,
      )
    })
    await other.close()
  })

  it('a plan names the publication that loses a partition: for detach those that list the table, for drop also those that list the partition', async (context) => {
    if (engine.kind === 'citus')
      return context.skip('Citus 13.2 fails to create a publication for a partition: it looks for the table above it')
    const database = await engine.database()
    await sets(database)
    await database.run('create publication "all ticks" for table ticks; create publication one for table old_1')
    expect(
      (await planDetach(database.db, older)).publications.filter(({partition}) => partition !== 'public.old_3'),
    ).toEqual(['public.old_1', 'public.old_2'].map((partition) => ({partition, publication: '"all ticks"'})))
    const {publications, notes} = await planDrop(database.db, older)
    expect(publications).toContainEqual({partition: 'public.old_1', publication: 'one'})
    expect(notes).toContain('Publication one loses public.old_1: the drop is not sent, so subscribers keep the rows.')
    // A detached table stays in a publication of all tables.
    await database.run('drop publication "all ticks"; drop publication one; create publication every for all tables')
    expect((await planDetach(database.db, older)).publications).toEqual([])
    const all = (await planDrop(database.db, older)).publications
    expect(all.slice(0, 2)).toEqual(
      ['public.old_1', 'public.old_2'].map((partition) => ({partition, publication: 'every'})),
    )
  })

  it('partitions drop exits 6 if one partition cannot be dropped, and 1 if it is the only one', async () => {
    const database = await engine.database()
    await sets(database)
    const name = new URL(database.url).pathname.slice(1)
    const drop = () =>
      runCli([
        'partitions',
        'drop',
        'ticks',
        '--older-than',
        '12mon',
        '--confirm',
        name,
        '--url',
        database.url,
        '--json',
      ])
    const first = await drop()
    expectExit(first, 6)
    expect(jsonOf<{references: unknown}>(first).references).toEqual(used)
    expect(await database.run("select relname as name from pg_class where relname ~ '^old_.$' order by 1")).toEqual([
      {name: 'old_2'},
    ])
    expectExit(await drop(), 1)
  })

  it('a dry run names the event trigger; partitions detach exits 6 if it refuses one partition, and 1 if it is the only one', async () => {
    const database = await engine.database()
    await sets(database)
    await database.run(`delete from kid; create function forbid() returns event_trigger language plpgsql as
'begin if current_query() ~ ''old_2.* concurrently'' then raise exception ''old_2 stays''; end if; end'`)
    await database.autocommit(
      "create event trigger stays on ddl_command_start when tag in ('ALTER TABLE') execute function forbid()",
    )
    const detach = (...more: string[]) =>
      runCli(['partitions', 'detach', 'ticks', '--older-than', '12mon', '--url', database.url, '--json', ...more])
    const dry = await detach('--dry-run')
    expectExit(dry, 0)
    const note =
      'The event trigger stays calls public.forbid at ddl_command_start of ALTER TABLE: it may refuse steps of this plan.'
    expect(jsonOf<{notes: string[]}>(dry).notes).toContain(note)
    expectExit(await detach('--yes'), 6)
    expectExit(await detach('--yes'), 1)
    const create = ['partitions', 'create', 'ticks', '--from', '2019-11', '--to', '2019-12', '--every', 'month']
    expect(jsonOf(await runCli([...create, '--url', database.url, '--json', '--dry-run']))).toMatchObject({
      notes: [note],
    })
    await database.autocommit('drop event trigger stays')
    expectExit(await detach('--yes'), 0)
  })
})
