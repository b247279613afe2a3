import {randomBytes} from 'node:crypto'
import pg from 'pg'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {markText} from '../../../src/partitions/detach/drop-mark.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {askDoctor, expectLaw} from '../../helpers/doctor.js'
import {monthsAhead} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {ruleOf, run as runPlan} from '../../helpers/partitions.js'
import {applicationName, targetOf} from '../../helpers/server.js'

/** The text after the last colon of an advice. */
const sqlOf = (text: string) => text.slice(text.lastIndexOf(': ') + 2)

/** A set by time with partitions from one day to another. */
function addSet({run}: TestDatabase, name: string, ranges: readonly (readonly [string, string])[]) {
  return run(
    [
      `create table public.${name} (time timestamptz not null) partition by range (time)`,
      ...ranges.map(
        ([from, to]) =>
          `create table public.${name}_${from.slice(0, 7).replace('-', '_')} partition of public.${name} for values from ('${from} 00:00+00') to ('${to} 00:00+00')`,
      ),
    ].join(';\n'),
  )
}

/** Until a time that no test run reaches. */
const longAgoUntilLater = ['2010-01-01', '2100-01-01'] as const

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  let database: TestDatabase
  const shared = async () => (database ??= await engine.database())

  it('partitions.now_missing: reports an undeclared set that ended, into which inserts fail', async () => {
    const database = await shared()
    const [finding] = await expectLaw(database, 'partitions.now_missing', () =>
      addSet(database, 'ended', [['2026-01-01', '2026-02-01']]),
    )
    expect(finding).toMatchObject({
      severity: 'critical',
      object: {schema: 'public', table: 'ended'},
      data: {managed: false, insertsUntil: '2026-02-01T00:00:00Z', hasDefault: false},
      message: 'There is no partition for now: inserting fails since 2026-02-01T00:00:00Z.',
    })
    await database.run('drop table public.ended')
  })

  it('partitions.ahead_missing: reports a declared set without partitions ahead, with the date on which inserts fail', async () => {
    const database = await shared()
    const request = {partitions: () => [ruleOf('public.short')]}
    const [finding] = await expectLaw(
      database,
      'partitions.ahead_missing',
      () =>
        database.run(`create table public.short (time timestamptz not null) partition by range (time);
do $do$ begin execute format('create table public.short_now partition of public.short for values from (%L) to (%L)',
  ${monthsAhead(0)}, ${monthsAhead(1)}); end $do$`),
      {
        request,
        follow: async ([fix]) => {
          expect(fix!.text).toBe('qicore-db partitions ensure')
          await runPlan(database.db, (await planEnsure(database.db, request.partitions())).plan)
        },
      },
    )
    expect(finding!.message).toMatch(/^3 of 3 ahead are missing: inserting fails from \d{4}-\d\d-01T00:00:00Z on, /)
    expect(finding!.data).toMatchObject({managed: true, missing: 3})
    await database.run('drop table public.short')
  })

  it('partitions.gap: reports a month whose rows are refused', async () => {
    const database = await shared()
    const [finding] = await expectLaw(database, 'partitions.gap', () =>
      addSet(database, 'gapped', [
        ['2026-01-01', '2026-02-01'],
        ['2026-03-01', '2100-01-01'],
      ]),
    )
    expect(finding).toMatchObject({
      severity: 'critical',
      data: {gaps: 1, from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z'},
    })
    await database.run('drop table public.gapped')
  })

  it('partitions.default_rows: reports rows in a default partition, and UNKNOWN to a role that may not read them', async () => {
    const database = await shared()
    await addSet(database, 'lost', [['2026-03-01', '2100-01-01']])
    await database.run('create table public.lost_rest partition of public.lost default')
    const [finding] = await expectLaw(
      database,
      'partitions.default_rows',
      () => database.run("insert into public.lost values ('2026-01-05 00:00+00')"),
      {
        follow: () =>
          database.run(`alter table public.lost detach partition public.lost_rest;
create table public.lost_1 partition of public.lost for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00');
insert into public.lost select * from public.lost_rest; truncate public.lost_rest;
alter table public.lost attach partition public.lost_rest default`),
      },
    )
    expect(finding).toMatchObject({data: {rows: 1}, message: expect.stringContaining('holds 1 row, of 2026-01-05')})
    expect(finding!.fix.text).toContain('partitions drain public.lost')
    const role = `qicore_doctor_${randomBytes(4).toString('hex')}`
    await database.run(`create role ${role} login`)
    const url = new URL(database.url)
    url.username = role
    const db = await connect(targetOf(url.href), {applicationName})
    try {
      expect(await askDoctor({db}, 'partitions.default_rows')).toMatchObject({
        status: 'unknown',
        missingFix: {kind: 'sql', text: `grant select on public.lost_rest to "${role}"`},
      })
    } finally {
      await db.close()
    }
    await database.run(`drop table public.lost; drop role ${role}`)
  })

  it('partitions.pending_detach: reports an interrupted detach', async () => {
    const database = await shared()
    await addSet(database, 'pending', [
      ['2026-01-01', '2026-02-01'],
      ['2026-03-01', '2100-01-01'],
    ])
    const [reader, detacher] = [new pg.Client(database.url), new pg.Client(database.url)]
    await Promise.all([reader.connect(), detacher.connect()])
    try {
      const [finding] = await expectLaw(database, 'partitions.pending_detach', async () => {
        await reader.query('begin; select from public.pending')
        await detacher.query("set statement_timeout = '500ms'")
        await expect(
          detacher.query('alter table public.pending detach partition public.pending_2026_01 concurrently'),
        ).rejects.toMatchObject({code: '57014'})
        await reader.query('rollback')
      })
      expect(finding).toMatchObject({severity: 'critical', data: {partition: 'public.pending_2026_01'}})
    } finally {
      await Promise.all([reader.end(), detacher.end()])
    }
    await database.run('drop table public.pending, public.pending_2026_01')
  })

  it('partitions.guard: reports a constraint that a killed run left on the default partition', async () => {
    const database = await shared()
    await addSet(database, 'guarded', [longAgoUntilLater])
    await database.run('create table public.guarded_rest partition of public.guarded default')
    await expectLaw(database, 'partitions.guard', () =>
      database.run('alter table public.guarded_rest add constraint qicore_partition_guard check (time is not null)'),
    )
    await database.run('drop table public.guarded')
  })

  it('partitions.unfinished_drop and partitions.forgotten: report detached tables with and without the mark of a drop', async () => {
    const database = await shared()
    await addSet(database, 'old', [
      ['2026-01-01', '2026-02-01'],
      ['2026-03-01', '2100-01-01'],
    ])
    const [forgotten] = await expectLaw(
      database,
      'partitions.forgotten',
      async () => {
        await database.run('alter table public.old detach partition public.old_2026_01')
        await database.autocommit('analyze public.old_2026_01')
      },
      {
        follow: async ([fix]) => {
          expect(sqlOf(fix!.text)).toBe('drop table public.old_2026_01')
          const mark = markText({of: 'public.old', from: null, to: null, end: null, cutoff: '2026-02-01', seen: null})
          await database.run(`comment on table public.old_2026_01 is '${mark}'`)
        },
      },
    )
    expect(forgotten).toMatchObject({object: {table: 'old'}, data: {relation: 'public.old_2026_01', bytes: 0}})
    const kept = await askDoctor(database, 'partitions.unfinished_drop')
    expect(kept.findings).toMatchObject([
      {data: {detachedToDrop: false}, fix: {kind: 'sql', text: 'comment on table public.old_2026_01 is null'}},
    ])
    await database.run(kept.findings[0]!.fix.text)
    expect(await askDoctor(database, 'partitions.unfinished_drop')).toMatchObject({status: 'passed'})
    await database.run('drop table public.old, public.old_2026_01')
  })

  it('partitions.foreign_keys: reports a key into a set, which keeps its retention from detaching partitions', async () => {
    const database = await shared()
    await database.run(`create table public.parent (time timestamptz primary key) partition by range (time);
create table public.parent_1 partition of public.parent for values from ('2010-01-01 00:00+00') to ('2100-01-01 00:00+00')`)
    const retention = {months: 6, days: 0, seconds: 0}
    const [finding] = await expectLaw(
      database,
      'partitions.foreign_keys',
      () => database.run('create table public.kid (at timestamptz constraint kid_at references public.parent)'),
      {
        request: {partitions: () => [ruleOf('public.parent', {retention})]},
        follow: ([fix]) => database.run(sqlOf(fix!.text)),
      },
    )
    expect(finding).toMatchObject({object: {table: 'parent'}, data: {foreignKey: 'kid_at', table: 'public.kid'}})
    expect(await askDoctor(database, 'partitions.foreign_keys')).toMatchObject({status: 'passed'})
  })
})
