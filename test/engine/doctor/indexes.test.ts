import {expect, it} from 'vitest'
import {databaseAges} from '../../../src/doctor/checks/indexes.js'
import {expectLaw, expectPassed} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'

/** A set with two partitions and 60 000 rows, and an index of the set. */
const makeSet = (
  name: string,
) => `create table public.${name} (time timestamptz not null, d int) partition by range (time);
create table public.${name}_1 partition of public.${name} for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00');
create table public.${name}_2 partition of public.${name} for values from ('2026-02-01 00:00+00') to ('2100-01-01 00:00+00');
insert into public.${name} select timestamptz '2026-01-01 00:00+00' + n * interval '1 minute', n from generate_series(1, 60000) n`

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  let database: TestDatabase
  const shared = async () => (database ??= await engine.database())
  /** Makes the statistics of this session visible to others at once. */
  const flush = async ({run, db}: TestDatabase) => {
    if (db.server.versionNum >= 150_000) await run('select pg_stat_force_next_flush()')
  }

  it('indexes.unused: adds up the partitions and reports one index of the table', async (context) => {
    const database = await shared()
    if (database.db.server.versionNum < 150_000) context.skip('before 15 statistics arrive at some later time')
    await database.run(`${makeSet('used')}; create index used_time on public.used (time)`)
    const [finding] = await expectLaw(database, 'indexes.unused', async () => {
      await database.run('create index used_d on public.used (d)')
      await database.autocommit('vacuum analyze public.used')
      await database.run(`set local enable_seqscan = off; do $do$ declare n int; begin for i in 1..1100 loop
        select d into n from public.used where time = timestamptz '2026-01-05 00:00+00' + i * interval '1 minute'; end loop; end $do$`)
      await flush(database)
    })
    expect(finding).toMatchObject({
      object: {schema: 'public', table: 'used'},
      data: {index: 'public.used_d', scans: 0},
      fix: {kind: 'sql', text: 'drop index public.used_d'},
    })
    await database.run('drop table public.used')
  })

  it('indexes.unused: counts the scans of an index that only a partition has', async (context) => {
    const database = await shared()
    if (database.db.server.versionNum < 150_000) context.skip('before 15 statistics arrive at some later time')
    await database.run(`${makeSet('partly')}; create index partly_1_time on public.partly_1 (time)`)
    const [finding] = await expectLaw(database, 'indexes.unused', async () => {
      await database.run('create index partly_d on public.partly (d)')
      await database.autocommit('vacuum analyze public.partly')
      await database.run(`set local enable_seqscan = off; do $do$ declare n int; begin for i in 1..1100 loop
        select d into n from public.partly where time = timestamptz '2026-01-05 00:00+00' + i * interval '1 minute'; end loop; end $do$`)
      await flush(database)
    })
    expect(finding).toMatchObject({data: {index: 'public.partly_d', scans: 0}})
    expect(finding!.data.tableScans).toBeGreaterThanOrEqual(1_100)
    await database.run('drop table public.partly')
  })

  it('indexes.duplicate: keeps the index of a constraint', async () => {
    const database = await shared()
    await database.run('create table public.twice (id int primary key, d int)')
    const findings = await expectLaw(database, 'indexes.duplicate', () =>
      database.run(
        'create index twice_id on public.twice (id); create index a on public.twice (d); create index b on public.twice (d)',
      ),
    )
    expect(findings.map(({fix}) => fix.text)).toEqual([
      'drop index concurrently public.b',
      'drop index concurrently public.twice_id',
    ])
    await database.run('drop table public.twice')
  })

  it('indexes.invalid: reports a unique index whose creation failed', async () => {
    const database = await shared()
    await database.run('create table public.failed (id int); insert into public.failed values (1), (1)')
    const [finding] = await expectLaw(database, 'indexes.invalid', () =>
      expect(database.autocommit('create unique index concurrently failed_id on public.failed (id)')).rejects.toThrow(),
    )
    expect(finding!.data).toMatchObject({index: 'public.failed_id', unique: true})
    await database.run('drop table public.failed')
  })

  it('indexes.dead_rows: adds up the partitions, with the last VACUUM', async (context) => {
    const database = await shared()
    if (database.db.server.versionNum < 150_000) context.skip('before 15 statistics arrive at some later time')
    await database.run(
      `${makeSet('dead')}; alter table public.dead_1 set (autovacuum_enabled = off); alter table public.dead_2 set (autovacuum_enabled = off)`,
    )
    await flush(database)
    const [finding] = await expectLaw(database, 'indexes.dead_rows', async () => {
      await database.run('delete from public.dead where d % 2 = 0')
      await flush(database)
    })
    expect(finding).toMatchObject({
      object: {table: 'dead'},
      data: {dead: 30_000, vacuumedAt: null, autovacuumOff: true},
      fix: {text: 'vacuum (analyze) public.dead'},
    })
    await database.run('drop table public.dead')
  })

  it('indexes.bloat: reports a table that is mostly empty', async () => {
    const database = await shared()
    await database.run(`create table public.airy (id int, t text) with (autovacuum_enabled = off);
alter table public.airy alter t set storage plain;
insert into public.airy select n, repeat('x', 3900) from generate_series(1, 30000) n`)
    const [finding] = await expectLaw(database, 'indexes.bloat', async () => {
      await database.run('delete from public.airy where id % 10 <> 0')
      await database.autocommit('vacuum analyze public.airy')
    })
    expect(finding).toMatchObject({object: {table: 'airy'}, fix: {text: 'vacuum (full, analyze) public.airy'}})
    await database.run('drop table public.airy')
  })

  it('indexes.index_bloat: reports indexes that are mostly empty by the size in the catalog', async () => {
    const database = await shared()
    await database.run('create table public.airy_index (id int primary key, v int)')
    await database.run('insert into public.airy_index select n, n from generate_series(1, 1000) n')
    await database.autocommit('analyze public.airy_index')
    const [finding] = await expectLaw(database, 'indexes.index_bloat', () =>
      // 20 000 pages of 8 kB are 156 MB; an index of that size takes minutes to fill and to empty.
      database.run("update pg_class set relpages = 20000 where oid = 'public.airy_index_pkey'::regclass"),
    )
    expect(finding).toMatchObject({
      object: {table: 'airy_index'},
      data: {indexes: ['public.airy_index_pkey'], estimated: true},
      fix: {text: 'reindex table concurrently public.airy_index'},
    })
    await database.run('drop table public.airy_index')
  })

  it('indexes.table_age: reports a table that was not frozen for a long time', async () => {
    const database = await shared()
    await database.run(
      'create table public.aged (id int) with (autovacuum_enabled = off); insert into public.aged values (1)',
    )
    const [finding] = await expectLaw(database, 'indexes.table_age', () =>
      // As after 500 million transactions: ages are modulo 2^32.
      database.run(`update pg_class set relfrozenxid = ((relfrozenxid::text::int8 - 500000000 + 4294967296) % 4294967296)::text::xid
        where oid = 'public.aged'::regclass`),
    )
    expect(finding).toMatchObject({severity: 'warning', object: {table: 'aged'}, data: {freezeMaxAge: 200_000_000}})
    expect(finding!.data.transactionAge).toBeGreaterThanOrEqual(500_000_000)
    await database.run('drop table public.aged')
  })

  it('indexes.transaction_age: reports a database near the wraparound, which stops the whole server', async () => {
    await expectPassed(await shared(), 'indexes.transaction_age')
    // No test can run two billion transactions: the rows are those of a server, with other ages.
    const row = {
      database: 'market',
      xid_age: 150_000_000,
      mxid_age: 1,
      here: true,
      freeze_max_age: 200_000_000,
      prepared: 1,
    }
    expect(databaseAges([row])).toEqual([])
    expect(databaseAges([{...row, xid_age: 1_700_000_000}])).toMatchObject([
      {
        severity: 'critical',
        fix: {kind: 'sql', text: 'vacuum (freeze)'},
        message: expect.stringContaining('1 prepared'),
      },
    ])
    expect(databaseAges([{...row, mxid_age: 450_000_000, here: false}])).toMatchObject([
      {severity: 'warning', fix: {kind: 'advice', text: 'In the database market: vacuum (freeze)'}},
    ])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('indexes.transaction_age: a database without a recorded transaction, as the embedded engine has them, is not old', async () => {
    await expectPassed(await engine.database(), 'indexes.transaction_age')
  })
})
