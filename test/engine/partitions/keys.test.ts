import {expect, it} from 'vitest'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import type {PartitionRule} from '../../../src/partitions/periods.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {monthsAhead} from '../../helpers/clock.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

/** Each key with a value of the middle of the server's current month, as SQL. */
const middle = `(${monthsAhead(0)} + interval '14 days')`
const millis = `(extract(epoch from ${middle}) * 1000)::int8`
const ulidOf = `(select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((${millis} >> (45 - 5 * n)) & 31)::int + 1, 1), '' order by n) from generate_series(0, 9) n) || 'TSV4RRFFQ69G5FAV'`
const uuidOf = `(lpad(to_hex(${millis}), 12, '0') || '7cc398c4dc0c0c07398f')::uuid`
const keys: [type: string, value: string, more: Partial<PartitionRule>][] = [
  ['timestamptz', middle, {}],
  ['timestamp', `${middle} at time zone 'UTC'`, {}],
  ['date', `(${middle} at time zone 'UTC')::date`, {}],
  ['bigint', `extract(epoch from ${middle})::int8`, {timeUnit: 's'}],
  ['integer', `extract(epoch from ${middle})::int4`, {timeUnit: 's'}],
  ['bigint', millis, {timeUnit: 'ms'}],
  ['bigint', `${millis} * 1000`, {timeUnit: 'us'}],
  ['bigint', `${millis} * 1000000`, {timeUnit: 'ns'}],
  ['uuid', uuidOf, {}],
  ['text collate "C"', ulidOf, {keyFormat: 'ulid'}],
  ['varchar(26) collate "POSIX"', ulidOf, {keyFormat: 'ulid'}],
]

async function keyed({run: query}: TestDatabase, type: string): Promise<void> {
  await query(`create table ev (k ${type} not null, v int) partition by range (k)`)
}

forEachEngine({}, (engine) => {
  it.each(keys)(
    'a set by %s (%s, %o) is created, listed, filled and planned again as empty',
    async (type, value, more) => {
      const database = await engine.database()
      await keyed(database, type)
      const rules = [ruleOf('public.ev', {ahead: 2, ...more})]
      const {plan, findings} = await planEnsure(database.db, rules)
      expect(findings).toEqual([])
      expect(stepResults(await run(database.db, plan)).every((step) => step.endsWith(': done'))).toBe(true)
      expect((await planEnsure(database.db, rules)).plan.steps).toEqual([])
      // A row of this month is in the partition of this month: the bounds are where the calendar says.
      await database.run(`insert into ev values (${value}, 1)`)
      const [{name, expected, starts}] = (await database.run<{name: string; expected: string; starts: string}>(
        `select tableoid::regclass::text as name, to_char(${monthsAhead(0)} at time zone 'UTC', '"ev_y"YYYY"m"MM') as expected,
  to_char(${monthsAhead(0)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as starts from ev`,
      )) as [{name: string; expected: string; starts: string}]
      expect(name).toBe(expected)
      const report = await readPartitions(database.db, rules, null)
      expect(report.tables).toMatchObject([
        {managed: true, unfit: null, partitions: 3, ahead: {wanted: 2, there: 2}, findings: []},
      ])
      expect(report.partitions.find(({partition}) => partition === name)!.from).toBe(starts)
    },
  )
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it.each(keys)('old partitions of a set by %s (%s, %o) are found by age', async (type, _, more) => {
    const database = await engine.database()
    await keyed(database, type)
    const rule = ruleOf('public.ev', {ahead: 0, ...more})
    await run(database.db, (await planEnsure(database.db, [rule])).plan)
    const {planCreate} = await import('../../../src/partitions/create/create.js')
    const {parseCalendarBound: bound} = await import('../../../src/units/calendar.js')
    const request = {rule, every: rule.every, from: bound('2024-01'), to: bound('2024-02')}
    await run(database.db, await planCreate(database.db, request))
    const old = {
      relation: 'public.ev',
      olderThan: {months: 1, days: 0, seconds: 0},
      timezone: 'UTC',
      rule,
      acceptLoss: false,
    }
    const {plan} = await planDrop(database.db, old)
    expect(plan.steps.filter((step) => step.kind === 'drop').map(({object}) => object)).toEqual([
      'public.ev_y2024m01',
      'public.ev_y2024m02',
    ])
    await run(database.db, plan)
    expect((await planDrop(database.db, old)).plan.steps).toEqual([])
  })

  it.each([
    ['bigint', /whose unit of time is not declared \(timeUnit/],
    ['uuid', /only if its values are UUIDv7/],
    ['text', /whose format is not declared \(keyFormat: ulid\)/],
    ['numeric', /not a date, timestamp, integer, uuid or text/],
  ])('a set by %s that is not declared is listed with the reason', async (type, reason) => {
    const database = await engine.database()
    await keyed(database, type)
    const {tables} = await readPartitions(database.db, [], null)
    expect(tables).toMatchObject([
      {table: 'ev', managed: false, from: null, to: null, unfit: expect.stringMatching(reason)},
    ])
  })

  it('refuses a ULID whose collation does not order text byte by byte', async () => {
    const database = await engine.database()
    await keyed(database, 'text collate "en-x-icu"')
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.ev', {keyFormat: 'ulid'})])
    expect(plan.steps).toEqual([])
    expect(findings).toMatchObject([
      {code: 'PARTITION_KEY', message: expect.stringContaining('only the collation "C" does')},
    ])
  })

  it('refuses hours of a date', async () => {
    const database = await engine.database()
    await keyed(database, 'date')
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.ev', {every: '6 hours'})])
    expect(plan.steps).toEqual([])
    expect(findings).toMatchObject([
      {code: 'PARTITION_KEY', message: expect.stringContaining('cannot hold the bounds')},
    ])
  })

  it('lists and respects MINVALUE and MAXVALUE', async () => {
    const database = await engine.database()
    await keyed(database, 'bigint')
    await database.run(
      'create table ev_first partition of ev for values from (minvalue) to (1704067200); create table ev_last partition of ev for values from (4102444800) to (maxvalue)',
    )
    const rule = ruleOf('public.ev', {timeUnit: 's', ahead: 1})
    const {plan, findings} = await planEnsure(database.db, [rule])
    expect(findings).toEqual([])
    expect(stepResults(await run(database.db, plan))).toHaveLength(2)
    const {partitions} = await readPartitions(database.db, [rule], 'public.ev')
    expect(partitions.at(-1)).toMatchObject({partition: 'ev_first', from: null, to: '2024-01-01T00:00:00Z'})
    expect(partitions[0]).toMatchObject({partition: 'ev_last', from: '2100-01-01T00:00:00Z', to: null})
  })
})
