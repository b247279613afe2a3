import {expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {renderPartitions, renderSets} from '../../helpers/rendered.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {exitCodeWith, planEnsure} from '../../../src/partitions/create/ensure.js'
import {readStats} from '../../../src/reports/stats.js'
import {readPartitions, type PartitionsReport} from '../../../src/partitions/list.js'
import {declaredWatch} from '../../../src/daemon/declared-watch.js'
import {readAhead} from '../../../src/partitions/ahead.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {ruleOf, run} from '../../helpers/partitions.js'
import {request} from '../../helpers/catalog-time-series.js'

const set = (name: string, type = 'timestamptz') =>
  `create table ${name} (time ${type} not null, x int) partition by range (time)`

forEachEngine({}, (engine) => {
  it('shows every set with ranges, gaps, sizes and rows, also those with other keys, and manages none by default', async () => {
    const {db, run: query} = await engine.database()
    await query(`${set('ticks')}; create table a partition of ticks for values from ('2024-01-01+00') to ('2024-02-01+00'); create table c partition of ticks for values from ('2024-03-01+00') to ('2024-04-01+00');
create table listed (x int) partition by list (x); create table ones partition of listed for values in (1); create schema risk; ${set('risk.fills', 'date')}`)
    await query("insert into ticks select '2024-01-05+00', n from generate_series(1, 1000) n")
    await query('analyze a')
    const report = await readPartitions(db, [], null)
    expect(
      report.tables.map(({schema, table, managed, partitions, gaps, findings}) => [
        schema,
        table,
        managed,
        partitions,
        gaps.length,
        findings.map(({kind}) => kind),
      ]),
    ).toEqual([
      ['public', 'listed', false, 1, 0, []],
      ['public', 'ticks', false, 2, 1, ['ends', 'gap']],
      ['risk', 'fills', false, 0, 0, []],
    ])
    expect(report.tables[1]).toMatchObject({
      from: '2024-01-01T00:00:00Z',
      to: '2024-04-01T00:00:00Z',
      gaps: [{from: '2024-02-01T00:00:00Z', to: '2024-03-01T00:00:00Z'}],
      column: 'time',
      type: 'timestamp with time zone',
      ahead: null,
      estimatedRows: 1000,
    })
    const [size] = await query<{size: number}>("select pg_total_relation_size('a') as size")
    expect(
      report.partitions
        .filter(({table}) => table === 'ticks')
        .map(({partition, estimatedRows, totalBytes}) => [partition, estimatedRows, totalBytes]),
    ).toEqual([
      ['c', 0, 0],
      ['a', 1000, size!.size],
    ])
    expect(report.partitions[0]).toMatchObject({partition: 'ones', from: null, to: null, bound: 'FOR VALUES IN (1)'})
  })

  it('does not know the rows of a set if one of its partitions was never analyzed', async () => {
    const {db, run: query} = await engine.database()
    await query(`${set('ticks')};
create table a partition of ticks for values from ('2024-01-01+00') to ('2024-02-01+00') with (autovacuum_enabled = false);
create table b partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00') with (autovacuum_enabled = false);
create table empty partition of ticks for values from ('2024-03-01+00') to ('2024-04-01+00')`)
    await query("insert into ticks select time, 1 from unnest('{2024-01-05+00,2024-02-05+00}'::timestamptz[]) as time")
    await query('analyze a')
    const rowsOf = async () => {
      const {tables, partitions} = await readPartitions(db, [], null)
      return [tables[0]!.estimatedRows, ...partitions.map(({estimatedRows}) => estimatedRows)]
    }
    expect(await rowsOf()).toEqual([null, 0, null, 1])
    await query('analyze b')
    expect(await rowsOf()).toEqual([2, 0, 1, 1])
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('reports what a declared set lacks, what is pending detach, and rows in the default partition', async () => {
    const {db, run: query} = await engine.database()
    await query(
      `${set('ticks')}; create table rest partition of ticks default; create table old partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00')`,
    )
    const rules = [ruleOf('public.ticks', {ahead: 2}), ruleOf('public.gone')]
    const {plan} = await planEnsure(db, rules)
    await run(db, {...plan, steps: plan.steps.filter(({id}) => id.startsWith('create public.ticks')).slice(0, 2)})
    await query(
      "insert into ticks values ('2097-01-01+00', 1), ('1999-01-01+00', 2); update pg_inherits set inhdetachpending = true where inhrelid = 'old'::regclass",
    )
    const report = await readPartitions(db, rules, null)
    expect(report.absent).toEqual(['public.gone'])
    const [ticks] = report.tables
    expect(ticks).toMatchObject({
      managed: true,
      managedBy: 'qicore-db',
      every: 'month',
      ahead: {wanted: 2, there: 1},
      detachPending: ['old'],
      defaultPartition: {
        partition: 'rest',
        rows: 2,
        oldest: '1999-01-01 00:00:00+00',
        newest: '2097-01-01 00:00:00+00',
      },
    })
    expect(ticks!.missing).toHaveLength(1)
    expect(ticks!.findings.map(({kind}) => kind)).toEqual(['ahead missing', 'pending', 'default rows'])
  })

  it('shows until when inserts work: days left, the date in the finding, and nothing if a default partition takes the rows', async () => {
    const {db, run: query} = await engine.database()
    await query(`${set('ticks')}; create table a partition of ticks for values from ('2020-01-01+00') to ('2090-01-01+00'); create table b partition of ticks for values from ('2090-01-01+00') to ('2120-01-01+00');
${set('last')}; create table c partition of last for values from ('2020-01-01+00') to ('2120-01-01+00'); ${set('over')}; create table d partition of over for values from ('2020-01-01+00') to ('2020-02-01+00');
${set('caught')}; create table e partition of caught default; create table f partition of caught for values from ('2020-01-01+00') to ('2120-01-01+00'); ${set('open')}; create table g partition of open for values from ('2020-01-01+00') to (maxvalue)`)
    // A part of today has already passed.
    const [{left}] = (await query<{left: number}>(
      `select (extract(epoch from '2120-01-01+00'::timestamptz - ${today}) / 86400)::int - 1 as left`,
    )) as [{left: number}]
    const {tables} = await readPartitions(db, [], null)
    expect(
      tables.map(({table, insertsUntil, daysLeft, findings}) => [
        table,
        insertsUntil,
        daysLeft,
        findings.map(({message}) => message),
      ]),
    ).toEqual([
      ['caught', null, null, []],
      [
        'last',
        '2120-01-01T00:00:00Z',
        left,
        [`no partition follows the current one: inserting fails from 2120-01-01T00:00:00Z on, ${left} days from now`],
      ],
      ['open', null, null, []],
      [
        'over',
        '2020-02-01T00:00:00Z',
        0,
        ['there is no partition for now: inserting fails since 2020-02-01T00:00:00Z'],
      ],
      ['ticks', '2120-01-01T00:00:00Z', left, []],
    ])
  })

  it('a declared set without partitions ahead is a finding with the date and makes the daemon not ready, until they are created', async () => {
    const {db, run: query} = await engine.database()
    await query(set('ticks'))
    await run(db, (await planEnsure(db, [ruleOf('public.ticks', {ahead: 0})])).plan)
    const rules = [ruleOf('public.ticks', {ahead: 3})]
    const {
      tables: [ticks],
    } = await readPartitions(db, rules, null)
    expect(ticks!.findings).toMatchObject([
      {
        kind: 'ahead missing',
        message: expect.stringMatching(
          new RegExp(
            `^3 of 3 ahead are missing: inserting fails from ${ticks!.to} on, (less than a day|1 day|\\d+ days) from now$`,
          ),
        ),
      },
    ])
    const warned: string[] = []
    const watch = declaredWatch(
      () => db,
      {partitions: () => rules, sections: {tables: {}, aggregates: {}}},
      (message) => warned.push(message),
    )
    watch.start(50)
    try {
      await expect
        .poll(watch.problems, {timeout: 10_000})
        .toEqual([
          `ticks has 0 of 3 partitions ahead: inserting fails from ${ticks!.to} on. Fix: qicore-db partitions ensure ticks`,
        ])
      expect(await readAhead(db, rules)).toMatchObject([{table: 'ticks', wanted: 3, there: 0, nowMissing: false}])
      await query('create table ticks_rest partition of ticks default')
      await expect
        .poll(watch.problems, {timeout: 10_000})
        .toEqual([
          'ticks has 0 of 3 partitions ahead. Fix: qicore-db partitions ensure ticks, and if the default partition has ' +
            'rows of that time, before it qicore-db partitions drain ticks',
        ])
      await run(db, (await planEnsure(db, rules)).plan)
      await expect.poll(watch.problems, {timeout: 10_000}).toEqual([])
      expect(warned).toHaveLength(2)
    } finally {
      watch.stop()
    }
  })

  it('a role without access to one schema still sees every set, and can manage its own', async () => {
    const {db, run: query} = await engine.database()
    const role = `outsider_${Math.random().toString(36).slice(2)}`
    await query(
      `create schema closed; ${set('closed.fills')}; create table closed.a partition of closed.fills for values from ('2024-01-01+00') to ('2024-02-01+00'); ${set('"order"')}; create role ${role}; alter table "order" owner to ${role}`,
    )
    const asRole = {
      ...db,
      transaction: ((settings, work) => db.transaction({...settings, role}, work)) as typeof db.transaction,
      target: {...db.target, role},
    } as typeof db
    try {
      const rules = [ruleOf('closed.fills', {ahead: 0}), ruleOf('public.order', {ahead: 0}), ruleOf('closed.gone')]
      const report = await readPartitions(asRole, rules, null)
      expect(report.tables.map(({schema, table, partitions}) => `${schema}.${table} ${partitions}`)).toEqual([
        'closed.fills 1',
        'public.order 0',
      ])
      expect(report.absent).toEqual(['closed.gone'])
      const {plan, findings} = await planEnsure(asRole, rules)
      expect(plan.steps).toHaveLength(1)
      expect(findings.map(({relation, kind}) => `${relation} ${kind}`)).toEqual([
        'closed.fills conflict',
        'closed.gone conflict',
      ])
    } finally {
      await query(`drop owned by ${role}; drop role ${role}`)
    }
  })

  it('waits for no lock: a partition that another session has locked has no size', async () => {
    const {db, run: query} = await engine.database()
    await query(
      `${set('ticks')}; create table a partition of ticks for values from ('2024-01-01+00') to ('2024-02-01+00'); create table b partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00'); create table rest partition of ticks default`,
    )
    const other = await db.openSession()
    await other.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
      await tx.query(statement('lock table only public.a in access exclusive mode'))
      await tx.query(statement('lock table only public.rest in access exclusive mode'))
      // The locks are held until the report has ended: one that waited for them would not end.
      const {partitions, tables} = await readPartitions(db, [ruleOf('public.ticks')], null)
      expect(partitions.map(({partition, totalBytes, from}) => [partition, totalBytes, from])).toEqual([
        ['b', 0, '2024-02-01T00:00:00Z'],
        ['a', null, '2024-01-01T00:00:00Z'],
        ['rest', null, null],
      ])
      expect(tables[0]!.defaultPartition).toMatchObject({rows: null})
    })
    await other.close()
  })

  it('a role that may only read the catalog gets the list', async () => {
    const {db, run: query} = await engine.database()
    const role = `stranger_${Math.random().toString(36).slice(2)}`
    await query(
      `${set('ticks')}; create table rest partition of ticks default; insert into ticks values ('2024-01-05+00', 1); create role ${role}`,
    )
    const asRole = {
      ...db,
      // Queries that are sent together are one transaction.
      transaction: ((settings, work) => db.transaction({...settings, role}, work)) as typeof db.transaction,
    }
    try {
      expect((await readPartitions(asRole, [], null)).tables[0]).toMatchObject({
        table: 'ticks',
        partitions: 1,
        defaultPartition: {partition: 'rest', rows: null},
      })
    } finally {
      await query(`drop role ${role}`)
    }
  })
})

const sample: PartitionsReport = {
  absent: ['public.gone'],
  tables: [
    {
      schema: 'public',
      table: 'crypto_prices',
      managed: true,
      managedBy: 'qicore-db',
      every: 'month',
      timezone: 'UTC',
      column: 'time',
      type: 'timestamp with time zone',
      unfit: null,
      partitions: 27,
      from: '2024-12-01T00:00:00Z',
      to: '2027-03-01T00:00:00Z',
      totalBytes: 148_000_000_000,
      estimatedRows: 812_345_678,
      ahead: {wanted: 3, there: 3},
      insertsUntil: '2027-03-01T00:00:00Z',
      defaultFrom: null,
      daysLeft: 98,
      missing: [],
      gaps: [],
      detachPending: [],
      defaultPartition: null,
      findings: [],
    },
    {
      schema: 'public',
      table: 'level1_data',
      managed: true,
      managedBy: 'qicore-db',
      every: 'day',
      timezone: 'Europe/Berlin',
      column: 'time',
      type: 'timestamp with time zone',
      unfit: null,
      partitions: 11,
      from: '2026-11-14T23:00:00Z',
      to: '2026-11-23T23:00:00Z',
      totalBytes: 19_000_000_000,
      estimatedRows: 12_345,
      ahead: {wanted: 3, there: 1},
      insertsUntil: '2026-11-24T23:00:00Z',
      defaultFrom: null,
      daysLeft: 1,
      missing: [{partition: 'level1_data_y2026m11d25', from: '2026-11-24T23:00:00Z', to: '2026-11-25T23:00:00Z'}],
      gaps: [],
      detachPending: ['level1_data_y2026m11d14'],
      defaultPartition: null,
      findings: [
        {kind: 'ahead missing', message: '2 of 3 ahead are missing'},
        {
          kind: 'pending',
          message:
            'public.level1_data_y2026m11d14 is pending detach: queries do not see its rows, and inserts into its range fail',
        },
      ],
    },
    {
      schema: 'risk',
      table: 'fills',
      managed: false,
      managedBy: 'pg_partman',
      every: null,
      timezone: null,
      column: 'filled_on',
      type: 'date',
      unfit: null,
      partitions: 3,
      from: '2026-01-01T00:00:00Z',
      to: '2026-04-01T00:00:00Z',
      totalBytes: null,
      estimatedRows: null,
      ahead: null,
      insertsUntil: null,
      defaultFrom: null,
      daysLeft: null,
      missing: [],
      gaps: [{from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z'}],
      detachPending: [],
      defaultPartition: {
        partition: 'fills_default',
        rows: 2,
        oldest: '2097-01-01',
        newest: '2097-02-01',
        totalBytes: 8192,
      },
      findings: [{kind: 'gap', message: 'a gap, the first from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z'}],
    },
  ],
  partitions: [
    {
      schema: 'risk',
      table: 'fills',
      partitionSchema: 'risk',
      partition: 'fills_2026_03',
      from: '2026-03-01T00:00:00Z',
      to: '2026-04-01T00:00:00Z',
      bound: '',
      totalBytes: 8192,
      estimatedRows: 10,
      isDefault: false,
      detachPending: false,
    },
    {
      schema: 'risk',
      table: 'fills',
      partitionSchema: 'attic',
      partition: 'Fills 2026',
      from: '2026-01-01T00:00:00Z',
      to: '2026-02-01T00:00:00Z',
      bound: '',
      totalBytes: null,
      estimatedRows: null,
      isDefault: false,
      detachPending: true,
    },
    {
      schema: 'risk',
      table: 'fills',
      partitionSchema: 'risk',
      partition: 'fills_default',
      from: null,
      to: null,
      bound: 'DEFAULT',
      totalBytes: 8192,
      estimatedRows: 2,
      isDefault: true,
      detachPending: false,
    },
  ],
}

it('the last line counts declared sets that do not exist, and says how to fill a gap', () => {
  const look = {width: 120, color: false, headers: true}
  const whole = sample.tables[0]!
  expect(renderSets({...sample, tables: [whole], absent: []}, look)).toMatch(/\n1 declared set, nothing missing\.$/)
  expect(renderSets({...sample, tables: [whole], absent: ['desk.gone']}, look)).toMatch(
    /\n1 of 2 declared sets needs attention\.$/,
  )
  expect(renderSets({...sample, tables: [], absent: ['desk.gone']}, look)).toMatch(
    /\n1 of 1 declared set needs attention\.$/,
  )
  const lacking = {...whole, findings: [{kind: 'ahead missing' as const, message: '1 of 3 ahead is missing'}]}
  expect(renderSets({...sample, tables: [lacking], absent: []}, look)).toMatch(/Fix: qicore-db partitions ensure$/)
  const crowded = {...lacking, findings: [...lacking.findings, {kind: 'default rows' as const, message: 'rows'}]}
  expect(renderSets({...sample, tables: [crowded], absent: []}, look)).toMatch(
    /Fix: qicore-db partitions drain crypto_prices, then qicore-db partitions ensure$/,
  )
  const gap = {from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z'}
  const broken = {...whole, table: 'Prices', gaps: [gap], findings: [{kind: 'gap' as const, message: 'a gap'}]}
  expect(renderSets({...sample, tables: [broken], absent: []}, look)).toMatch(
    /Fix: qicore-db partitions create '"Prices"' --from 2026-02-01T00:00:00Z --to 2026-03-01T00:00:00Z$/,
  )
})

it.each([80, 160])('has the expected layout at %i columns', (width) => {
  const look = {width, color: false, headers: true}
  const sets = renderSets(sample, look)
  const one = renderPartitions({...sample, absent: [], tables: sample.tables.slice(2)}, look)
  for (const line of `${sets}\n${one}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width)
  expect(sets).toMatchSnapshot()
  expect(one).toMatchSnapshot()
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('shows the newest row if many partitions ahead are empty', async () => {
    const {db, run: query} = await engine.database()
    await query(
      `${set('ticks')}; do 'begin for n in 0 .. 40 loop execute format(''create table t%s partition of ticks for values from (%L) to (%L)'', n, timestamptz ''2026-01-01+00'' + n * interval ''1 day'', timestamptz ''2026-01-02+00'' + n * interval ''1 day''); end loop; end'`,
    )
    await query("insert into ticks values ('2026-01-01 12:00+00', 1)")
    const stats = await readStats(db, request)
    expect(stats.tables[0]).toMatchObject({
      table: 'ticks',
      oldest: '2026-01-01T12:00:00Z',
      newest: '2026-01-01T12:00:00Z',
    })
  })

  it('partitions ensure refuses a key that is not a time as wrong usage, as partitions drop does', async () => {
    const {db, run: query} = await engine.database()
    await query('create table ev (id bigint primary key, v int) partition by range (id)')
    const rules = [ruleOf('public.ev')]
    const {plan, findings} = await planEnsure(db, rules)
    expect(plan.steps).toEqual([])
    expect(findings).toMatchObject([{kind: 'conflict', code: 'PARTITION_KEY'}])
    expect(exitCodeWith(findings, 0, false)).toBe(2)
    await expect(
      planDrop(db, {
        relation: 'public.ev',
        olderThan: {months: 12, days: 0, seconds: 0},
        timezone: 'UTC',
        acceptLoss: false,
      }),
    ).rejects.toMatchObject({code: 'PARTITION_KEY', exitCode: 2})
  })
})
