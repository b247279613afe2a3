import {expect, it} from 'vitest'
import {readSnapshot} from '../../../src/catalog/snapshot.js'
import {planRetain} from '../../../src/partitions/retain/retain.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readStats} from '../../../src/reports/stats.js'
import type {Declared} from '../../../src/policies/declared/declared.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'
import {apply, days, declare, duration, request} from '../../helpers/policies.js'
import {retain} from '../../helpers/policies-ticks.js'
import {ruleOf, run as runPlan, stepResults} from '../../helpers/partitions.js'

const millis = (at: string) => `(extract(epoch from ${at}) * 1000)::int8`

/** Values of each key, written by hand: the first 48 bits, and what follows them. */
const keys = [
  {
    type: 'uuid',
    format: undefined,
    value: (at: string, rest = '7cc398c4dc0c0c07398f') => `(lpad(to_hex(${millis(at)}), 12, '0') || '${rest}')::uuid`,
    zero: '0'.repeat(20),
  },
  ...['text collate "C"', 'varchar(26) collate "POSIX"'].map((type) => ({
    type,
    format: 'ulid' as const,
    value: (at: string, rest = 'TSV4RRFFQ69G5FAV') =>
      `(select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((${millis(at)} >> (45 - 5 * k)) & 31)::int + 1, 1), '' order by k) || '${rest}' from generate_series(0, 9) k)`,
    zero: '0'.repeat(16),
  })),
]

/** Twelve days before today, today and tomorrow in partitions of a day, with a row every six hours until today. */
async function days14(engine: Engine, {type, value, zero}: (typeof keys)[number]): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database, ['core'])
  await database.db.probe()
  const day = `${daysAgo(12)} + n * interval '24 hours'`
  await database.run(`create table ev (id ${type} primary key, v int) partition by range (id);
do $$ begin for n in 0 .. 13 loop
  execute format('create table ev_%s partition of ev for values from (%L) to (%L)', lpad(n::text, 2, '0'),
    ${value(day, zero)}, ${value(`${day} + interval '24 hours'`, zero)});
end loop; end $$;
insert into ev select ${value('t')}, 1 from generate_series(${daysAgo(12)}, ${today}, interval '6 hours') t`)
  return database
}

const partitions = ({run}: TestDatabase) =>
  run<{name: string}>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'ev'::regclass order by 1",
  ).then((rows) => rows.map(({name}) => name))

const names = (from: number, to: number) =>
  Array.from({length: to - from + 1}, (_, n) => `ev_${String(from + n).padStart(2, '0')}`)

const nothing = {lateAfter: 0, timeUnits: new Map()}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  for (const key of keys) {
    const keyFormat = key.format
    const declared = (retention: Declared['retention']): Declared[] => [
      {...declare('public.ev', {retention}), keyFormat},
    ]

    it(`a declared retention of a set by ${key.type} is planned, applied, counted and carried out`, async () => {
      const database = await days14(engine, key)
      const wanted = request(declared({after: days(7), native: false}), {maxDropPerRun: 3})
      const status = async () => (await readPolicyStatus(database.db, {...nothing, declared: wanted.declared})).policies
      const {before, after} = await apply(database.db, wanted)
      // Five partitions end seven days ago or before, so the plan is one that loses data.
      expect(before.plan.steps).toMatchObject([{id: 'retention of public.ev', class: 'loss'}])
      expect(after.plan.steps).toEqual([])
      expect(await partitions(database)).toEqual(names(0, 13))
      const [policy, ...others] = await status()
      expect([policy, others]).toMatchObject([{kind: 'retention', due: 5, notDone: {length: 5}}, []])
      expect(policy!.problems.map(({message}) => message)).toContainEqual(
        expect.stringContaining('5 partitions were not dropped'),
      )
      // One run drops three, the next one the rest, and a third one nothing.
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      expect(await partitions(database)).toEqual(names(3, 13))
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      expect(await partitions(database)).toEqual(names(5, 13))
      expect(await status()).toMatchObject([{kind: 'retention', due: 0, ok: true}])
    })

    it(`a retention of a set by ${key.type} keeps everything if its newest row is too old`, async () => {
      const database = await days14(engine, key)
      await database.run(`delete from ev where id >= ${key.value(daysAgo(8), key.zero)}`)
      await apply(database.db, request(declared({after: days(7), native: false})))
      expect(await retain(database, '{"object": "public.ev"}')).toMatch(/these may be the last copy/)
      expect(await partitions(database)).toEqual(names(0, 13))
    })

    it(`the stages of a set by ${key.type} are carried out by the program and by the routine`, async () => {
      const database = await days14(engine, key)
      const {db} = database
      const stages = {detach: days(9), archive: null, drop: duration('10 days')}
      await apply(db, request(declared({after: stages.detach, native: false, stages}), {maxDropPerRun: 1}))
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      expect(await partitions(database)).toEqual(names(1, 13))
      const rule = {...ruleOf('public.ev'), keyFormat: keyFormat ?? null, stages}
      const planned = await planRetain(db, {relation: 'public.ev', rule})
      expect(stepResults(await runPlan(db, planned.plan)).every((step) => step.endsWith(': done'))).toBe(true)
      expect(await partitions(database)).toEqual(names(3, 13))
      // The first was detached by the routine and is gone; the second ended ten days ago and has its drop to come.
      expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
      const left = await database.run("select from pg_class where relname in ('ev_00', 'ev_01') and relkind = 'r'")
      expect(left).toHaveLength(0)
      expect((await planRetain(db, {relation: 'public.ev', rule})).plan.steps).toEqual([])
    })

    it(`reports read the ranges and the newest row of a set by ${key.type}`, async () => {
      const database = await days14(engine, key)
      const {db} = database
      const [{from, now}] = (await database.run<{from: string; now: string}>(
        `select to_char(${daysAgo(12)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as from, to_char(${today} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as now`,
      )) as [{from: string; now: string}]
      const stats = await readStats(db, {...nothing, fast: false, managed: new Set()})
      expect(stats.tables.find(({table}) => table === 'ev')).toMatchObject({oldest: from, newest: now})
      const {chunks} = await readChunkStats(db, {...nothing, table: 'ev', fast: false, late: false})
      expect(chunks.map(({chunk, rangeStart}) => [chunk, rangeStart]).at(-1)).toEqual(['ev_00', from])
    })
  }

  it('a first partition without a lower bound is dropped as the others are', async () => {
    const database = await days14(engine, keys[0]!)
    await database.run(
      `do $$ begin execute format('create table ev_first partition of ev for values from (minvalue) to (%L)', ${keys[0]!.value(daysAgo(12), keys[0]!.zero)}); end $$`,
    )
    await apply(database.db, request([declare('public.ev', {retention: {after: days(12), native: false}})]))
    expect(await retain(database, '{"object": "public.ev"}')).toBeNull()
    expect(await partitions(database)).toEqual(names(0, 13))
  })

  it.each([
    [
      'uuid whose bounds are no times',
      'uuid',
      ['00000000-0000-0000-0000-000000000000', '00800000-0000-0000-0000-000000000000'],
      undefined,
      /bounds are not times .* its UUIDs are not UUIDv7/,
    ],
    ['text whose bounds are no ULIDs', 'text collate "C"', ['A', 'M'], 'ulid', /its texts are not ULIDs/],
    [
      'text whose format is not declared',
      'text collate "C"',
      ['01M3TC5H000000000000000000', '01M3WYJ8000000000000000000'],
      undefined,
      /whose format is not declared \(keyFormat: ulid\)/,
    ],
    [
      'text of another collation',
      'text collate "en-x-icu"',
      ['01M3TC5H000000000000000000', '01M3WYJ8000000000000000000'],
      'ulid',
      /only the collation "C" does/,
    ],
  ] as const)(
    'a retention of a %s is refused, and its rows are no times in reports',
    async (_, type, [low, high], keyFormat, why) => {
      const database = await engine.database()
      const {db, run} = database
      await replay(database, ['core'])
      await db.probe()
      await run(
        `create table ev (id ${type} primary key) partition by range (id); create table ev_1 partition of ev for values from ('${low}') to ('${high}')`,
      )
      const declared = [{...declare('public.ev', {retention: {after: days(7), native: false}}), keyFormat}]
      await expect(planPolicies(db, request(declared))).rejects.toMatchObject({
        code: 'PARTITION_KEY',
        exitCode: 2,
        message: expect.stringMatching(why),
      })
      if (!low.startsWith('01M'))
        expect((await readSnapshot(db, {...nothing, table: 'ev'})).tables[0]!.chunks).toMatchObject([
          {start: null, end: null},
        ])
      // A row of the policy that was written by hand drops nothing either.
      await run(
        `insert into qicore.policies (object, kind, config) select 'public.ev', 'retention', c || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.ev', c))) from (select '{"after": "7 days", "maxDropPerRun": 8}'::jsonb) as p (c)`,
      )
      await retain(database, '{"object": "public.ev"}')
      expect(await partitions(database)).toEqual(['ev_1'])
    },
  )
})
