import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {preview} from '../../../src/run/execute.js'
import {planDrain, type DrainPlan} from '../../../src/partitions/drain/drain.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import type {PartitionRule} from '../../../src/partitions/periods.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, ruleOf, run, runLoudly, stepResults} from '../../helpers/partitions.js'

const sane = {earliest: '2009-01-03T00:00:00Z', within: {months: 12, days: 0, seconds: 0}}
const drain = ({db}: TestDatabase, more: Partial<PartitionRule> = {}): Promise<DrainPlan> => {
  const rule = ruleOf('public.ticks', {...sane, ...more})
  return planDrain(db, {rule, every: rule.every})
}

/** A sum that depends on every value of every row, but not on their order. */
const checksum = ({run: query}: TestDatabase) =>
  query<{rows: number; sum: string}>(
    "select count(*)::int as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::int8), 0)::text as sum from ticks t",
  ).then(([row]) => row!)

const inRest = ({run: query}: TestDatabase) =>
  query<{n: number}>('select count(*)::int as n from only rest').then(([row]) => row!.n)

const set = `create table ticks (id bigint generated always as identity, time timestamptz not null, x numeric check (x >= 0), twice numeric generated always as (x * 2) stored, note text default 'n', primary key (id, time)) partition by range (time);
create index on ticks (time desc); create table rest partition of ticks default`
/** Rows of three months; more than is moved in one transaction. */
const many = `insert into ticks (time, x, note) select timestamptz '2024-01-01+00' + n * interval '2 minutes', n, repeat('x', n % 40) from generate_series(0, 64000) n`

forEachEngine({}, (engine) => {
  it('a dry run changes nothing, a run moves the rows, and the next run has nothing to do', async () => {
    const database = await engine.database()
    await database.run(
      `${set}; insert into ticks (time, x) select timestamptz '2024-01-31 22:00+00' + n * interval '1 minute', n from generate_series(0, 240) n`,
    )
    const before = await checksum(database)
    const {plan, notes, nonsense} = await drain(database)
    expect(plan.steps.map(({id, lock, class: kind}) => [id, lock, kind])).toEqual([
      ['drain public.ticks_y2024m01', 'ACCESS EXCLUSIVE', 'undo'],
      ['drain public.ticks_y2024m02', 'ACCESS EXCLUSIVE', 'undo'],
    ])
    expect([notes, nonsense]).toEqual([[], []])
    await preview(database.db, plan)
    expect(await inRest(database)).toBe(241)
    expect(stepResults(await run(database.db, plan)).every((step) => step.endsWith(': done'))).toBe(true)
    expect(await inRest(database)).toBe(0)
    expect(await checksum(database)).toEqual(before)
    expect((await drain(database)).plan.steps).toEqual([])
  })

  it('moves a large default partition in batches, and leaves nothing behind', async () => {
    const database = await engine.database()
    await database.run(
      `${set}; ${many}; insert into ticks (time, x) values ('1970-01-01+00', 1), ('2097-01-01+00', 2), ('infinity', 3)`,
    )
    const before = await checksum(database)
    const {plan, nonsense} = await drain(database)
    expect(plan.steps.slice(0, 6).map(({id, lock}) => [id, lock])).toEqual([
      ['prepare public.ticks_y2024m01', 'SHARE ROW EXCLUSIVE'],
      ['move public.ticks_y2024m01', 'ROW EXCLUSIVE'],
      ['close public.rest for public.ticks_y2024m01', 'ACCESS EXCLUSIVE'],
      ['move the rest of public.ticks_y2024m01', 'ROW EXCLUSIVE'],
      ['check public.rest for public.ticks_y2024m01', 'SHARE UPDATE EXCLUSIVE'],
      ['attach public.ticks_y2024m01', 'ACCESS EXCLUSIVE'],
    ])
    expect(nonsense.map(({kind, rows}) => [kind, rows])).toEqual([
      ['too early', 1],
      ['too late', 2],
    ])
    // The query that is printed finds exactly these rows.
    for (const {sql, rows} of nonsense) expect(await database.run(sql)).toHaveLength(rows)
    expect((await run(database.db, plan)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(await inRest(database)).toBe(3)
    expect(await checksum(database)).toEqual(before)
    expect(await childrenOf(database, 'ticks')).toHaveLength(4)
    expect((await drain(database)).plan.steps).toEqual([])
    expect(
      await database.run(
        "select conname as left from pg_constraint where conname like 'qicore%' union all select tgname from pg_trigger where tgname like '%qicore%' union all select proname from pg_proc where proname like 'qicore%' union all select description from pg_description where description like '%drain of a default partition%'",
      ),
    ).toEqual([])
  })

  it('a run that ended after any of its steps is finished by the next one', async () => {
    const database = await engine.database()
    const count = 6
    for (let done = 1; done < count; done += 1) {
      await database.run(
        `drop table if exists ticks, ticks_y2024m01 cascade; ${set}; ${many.replace('64000', '20000')}`,
      )
      const before = await checksum(database)
      const {plan} = await drain(database)
      await run(database.db, {...plan, steps: plan.steps.slice(0, done)})
      const {tables} = await readPartitions(database.db, [], 'public.ticks')
      expect(
        tables[0]!.findings.map(({kind}) => kind),
        String(done),
      ).toContain('unfinished drain')
      const {findings} = await planEnsure(database.db, [ruleOf('public.ticks')])
      expect(findings.filter(({kind}) => kind === 'conflict')).toEqual([])
      const next = await drain(database)
      expect((await run(database.db, next.plan)).steps.filter(({status}) => status === 'failed')).toEqual([])
      expect(await checksum(database)).toEqual(before)
      expect(await inRest(database)).toBe(0)
      expect((await drain(database)).plan.steps).toEqual([])
    }
  })

  it.each([
    ['integers', 'bigint', 'extract(epoch from t)::int8 * 1000', {timeUnit: 'ms'}],
    ['dates', 'date', "(t at time zone 'UTC')::date", {every: 'week'}],
    [
      'UUIDv7',
      'uuid',
      "(lpad(to_hex(extract(epoch from t)::int8 * 1000), 12, '0') || '7cc398c4dc0c0c07398f')::uuid",
      {every: 'quarter'},
    ],
  ] as const)('drains %s', async (_, type, value, more) => {
    const database = await engine.database()
    await database.run(
      `create table ticks (k ${type} not null, x int) partition by range (k); create table rest partition of ticks default;
insert into ticks select ${value}, n from (select n, timestamptz '2024-01-01+00' + n * interval '6 hours' as t from generate_series(0, 400) n) s`,
    )
    const before = await checksum(database)
    const {plan} = await drain(database, more)
    expect(plan.steps.length).toBeGreaterThan(1)
    expect((await run(database.db, plan)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect([await inRest(database), await checksum(database)]).toEqual([0, before])
    expect((await drain(database, more)).plan.steps).toEqual([])
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it.each([
    [
      'a foreign key that refers to it',
      'create table o (id bigint, time timestamptz, foreign key (id, time) references ticks on delete cascade)',
      /of public\.o\b/,
    ],
    [
      'a trigger on delete',
      'create function f() returns trigger language plpgsql as $$ begin return old; end $$; create trigger watch after delete on ticks for each row execute function f()',
      /the triggers watch would run/,
    ],
    [
      'a publication that sends deletes',
      'create publication p for table ticks',
      /the publications p would send the deletes/,
    ],
  ])('refuses %s, and says so', async (what, ddl, message) => {
    // Citus 13 and 14 fail to publish a partitioned table that they do not distribute (XX000).
    if (engine.kind === 'citus' && what.startsWith('a publication')) return
    const database = await engine.database()
    for (const text of [set, "insert into ticks (time, x) values ('2024-01-05+00', 1)", ddl]) await database.run(text)
    await expect(drain(database)).rejects.toMatchObject({
      code: 'DRAIN_REFUSED',
      exitCode: 7,
      message: expect.stringMatching(message),
    })
    expect(await inRest(database)).toBe(1)
  })

  it('an insert during the drain is neither refused nor lost, also by a role that may only insert', async () => {
    const database = await engine.database()
    const role = `writer_${Math.random().toString(36).slice(2)}`
    await database.run(`${set}; ${many}; create role ${role}; grant insert on ticks to ${role}`)
    const writer = await database.db.openSession()
    let running = true
    let written = 0
    const write = async () => {
      while (running) {
        await writer.transaction({readOnly: false, lockTimeout: 5_000, statementTimeout: 0, role}, (tx) =>
          tx.query(
            statement(
              `insert into public.ticks (time, x) select timestamptz '2024-01-01+00' + (${written} * 7 + n * 1000) % 90000 * interval '1 minute', n from generate_series(1, 10) n`,
            ),
          ),
        )
        written += 10
        await sleep(1)
      }
    }
    try {
      const writing = write()
      await run(database.db, (await drain(database)).plan)
      running = false
      await writing
      expect(written).toBeGreaterThan(10)
      await run(database.db, (await drain(database)).plan)
      expect(await checksum(database)).toMatchObject({rows: 64_001 + written})
      expect(await inRest(database)).toBe(0)
    } finally {
      running = false
      await writer.close()
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })

  it('ATTACH scans neither the default partition nor the new table, and validates no foreign key', async () => {
    const database = await engine.database()
    await database.run(`create table coins (id int primary key); insert into coins select generate_series(0, 9);
create table ticks (coin int references coins, time timestamptz not null, x int) partition by range (time); create index on ticks (coin, time); create table rest partition of ticks default;
insert into ticks select n % 10, timestamptz '2024-01-01+00' + n * interval '1 minute', n from generate_series(0, 40000) n`)
    const {plan} = await drain(database)
    const {report, notices} = await runLoudly(database.db, plan, (step) => step.id.startsWith('attach'))
    expect(report.steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(
      notices.filter((text) =>
        text.includes('partition constraint for table "ticks_y2024m01" is implied by existing constraints'),
      ),
    ).toHaveLength(1)
    expect(
      notices.filter((text) =>
        text.includes('constraint for default partition "rest" is implied by existing constraints'),
      ).length,
    ).toBeGreaterThan(0)
    expect(notices.filter((text) => /building index|validating foreign key/.test(text))).toEqual([])
    expect(
      await database.run(
        "select count(*)::int as n from pg_constraint where conrelid = 'ticks_y2024m01'::regclass and contype = 'f'",
      ),
    ).toEqual([{n: 1}])
  })
})
