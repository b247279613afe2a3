import {spawnSync} from 'node:child_process'
import fc from 'fast-check'
import {parse} from 'libpg-query'
import {expect, it} from 'vitest'
import type {Job} from '../../src/config/jobs.js'
import {commandsOf} from '../../src/pg-cron/commands.js'
import {formatQualifiedName} from '../../src/db/qualified-name.js'
import {ident, inline, raw, sql} from '../../src/db/sql.js'
import type {JobContext} from '../../src/jobs/kind.js'
import {planPolicies} from '../../src/policies/plan/plan.js'
import {defaultLimits} from '../../src/run/limits.js'
import {toScript} from '../../src/run/script.js'
import type {Plan} from '../../src/run/step.js'
import {planInstall} from '../../src/schema/migrate/run.js'
import {jobKind} from '../../src/jobs/registry.js'
import {today} from '../helpers/clock.js'
import {job} from '../helpers/daemon-jobs.js'
import {forEachEngine, skipBecause, type TestDatabase} from '../helpers/engines.js'
import {attacks, nastyName} from '../helpers/nasty-names.js'
import {quick} from '../helpers/run-steps.js'
import {stepResults, refreshPlan, run, span} from '../helpers/aggregates.js'
import {days, declare, duration, request} from '../helpers/policies.js'
import {ruleOf} from '../helpers/partitions.js'

const names = [...new Set([...attacks, ...fc.sample(nastyName(40), 5)])]
const psql = spawnSync('psql', ['--version']).status === 0

/** What an operator does with the output of --dry-run --sql. */
function pipe({url}: TestDatabase, plan: Plan): void {
  const env = {...process.env, PGCLIENTENCODING: 'UTF8', PGOPTIONS: '-c client_min_messages=error'}
  const {status, stderr} = spawnSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', url], {
    input: toScript(plan, quick),
    encoding: 'utf8',
    env,
  })
  expect({status, stderr}).toEqual({status: 0, stderr: ''})
}

async function expectCanary({run: query}: TestDatabase): Promise<void> {
  expect(await query("select from pg_class where relname = 'canary'")).toHaveLength(1)
}

const context = (relations: readonly string[]): JobContext =>
  ({
    limits: defaultLimits,
    partitions: () => relations.map((relation) => ruleOf(relation)),
    now: 0,
    job: 'j',
    leaveToCron: false,
    sections: {
      tables: Object.fromEntries(relations.map((relation) => [relation, {compression: {after: days(7)}}])),
      aggregates: {},
    },
  }) as unknown as JobContext

/** A command that pg_cron runs is a single CALL, whatever the names of tables and jobs. */
async function expectOneCall(command: string): Promise<void> {
  const {stmts} = (await parse(command)) as {stmts: {stmt: Record<string, unknown>}[]}
  expect(
    stmts.map(({stmt}) => Object.keys(stmt)),
    command,
  ).toEqual([['CallStmt']])
}

if (!psql) skipBecause('psql is not installed here')

if (psql)
  forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
    it('policies and refreshes of tables with nasty names are created and changed by the plan and by its script, and planning again is empty', async () => {
      const database = await engine.database()
      const {db} = database
      await database.run('create table canary (x int)')
      await run(db, await planInstall(db))
      await db.probe()
      for (const name of names) {
        const [table, column, view] = [ident('public', name), ident(name), ident('public', `a${name}`)]
        await database.run(sql`create table ${table} (${column} timestamptz not null, v int)`)
        await database.run(
          sql`select create_hypertable(format('%I', ${name}::text), ${name}::name, chunk_time_interval => interval '1 day')`,
        )
        await database.autocommit(
          inline(
            sql`create materialized view ${view} with (timescaledb.continuous) as select time_bucket('1 day', ${column}) as bucket, sum(v) as ${column} from ${table} group by 1 with no data`,
          ),
        )
        await database.run(
          sql`insert into ${table} select t, 1 from generate_series('2024-01-01+00'::timestamptz, '2024-01-05 23:00+00', '6 hours') t`,
        )
      }
      const declared = (after: number) =>
        names.flatMap((name) => [
          declare(formatQualifiedName('public', name), {
            compression: {after: days(after), segmentBy: null, orderBy: null},
          }),
          {
            ...declare(formatQualifiedName('public', `a${name}`), {
              refresh: {startOffset: days(30 + after), endOffset: days(1), every: days(1)},
            }),
            section: 'aggregates' as const,
          },
        ])
      const first = await planPolicies(db, request(declared(7)))
      expect(first.plan.steps.length).toBeGreaterThanOrEqual(2 * names.length)
      pipe(database, first.plan)
      expect((await planPolicies(db, request(declared(7)))).plan.steps).toEqual([])
      const second = await planPolicies(db, request(declared(9)))
      expect(second.plan.steps.length).toBeGreaterThanOrEqual(2 * names.length)
      expect(stepResults(await run(db, second.plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
      expect((await planPolicies(db, request(declared(9)))).plan.steps).toEqual([])
      await expectCanary(database)

      for (const name of names) {
        const view = formatQualifiedName('public', `a${name}`)
        pipe(database, (await refreshPlan(db, view, {span: span('2024-01-01', '2024-01-03')})).plan)
        expect(
          stepResults(
            await run(db, (await refreshPlan(db, view, {span: span('2024-01-03', '2024-01-06')})).plan),
          ).every((line) => line.endsWith(': done')),
        ).toBe(true)
        expect(await database.run(sql`select count(*) as n from ${ident('public', `a${name}`)}`)).toEqual([{n: 5}])
      }
      await expectCanary(database)

      const relations = names.map((name) => formatQualifiedName('public', name))
      for (const kind of ['maintain', 'compress', 'analyze', 'retain', 'refresh'] as const) {
        const {commands} = await commandsOf(
          db,
          {...job('j'), kind, options: {}, name: names[0]!} as Job,
          context(relations),
        )
        for (const command of Object.values(commands)) await expectOneCall(command)
        if (kind !== 'retain' && kind !== 'refresh') expect(Object.values(commands).join()).toContain('canary')
      }
    })

    it("TimescaleDB's own retention of tables with nasty names is created, changed, replaced by the gated one and removed", async () => {
      const database = await engine.database()
      const {db} = database
      await database.run('create table canary (x int)')
      await run(db, await planInstall(db))
      await db.probe()
      for (const name of names) {
        await database.run(sql`create table ${ident('public', name)} (${ident(name)} timestamptz not null, v int)`)
        await database.run(sql`select create_hypertable(format('%I', ${name}::text), ${name}::name)`)
      }
      const declared = (years: number, native: boolean) =>
        request(
          names.map((name) =>
            declare(formatQualifiedName('public', name), {retention: {after: duration(`${years} years`), native}}),
          ),
        )
      const none = request(names.map((name) => declare(formatQualifiedName('public', name), {retention: 'none'})))
      const stages = [declared(30, true), declared(40, true), declared(40, false), declared(30, true), none]
      for (const [index, wanted] of stages.entries()) {
        const {plan} = await planPolicies(db, wanted)
        expect(plan.steps).toHaveLength(names.length)
        if (index % 2 === 0) pipe(database, plan)
        else expect(stepResults(await run(db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
        expect((await planPolicies(db, wanted)).plan.steps).toEqual([])
      }
      await expectCanary(database)
    })
  })

if (psql)
  forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
    it('pg_cron commands for partition sets, SQL and history with nasty names are one CALL each', async () => {
      const database = await engine.database()
      await database.run('create table canary (x int)')
      for (const name of names)
        await database.run(
          sql`create table ${ident('public', name)} (${ident(name)} timestamptz not null) partition by range (${ident(name)})`,
        )
      const relations = (
        await database.run<{relation: string}>(
          "select format('%I.%I', 'public', relname) as relation from pg_class where relkind = 'p'",
        )
      ).map(({relation}) => relation)
      const ensured = await commandsOf(
        database.db,
        {...job('j'), kind: 'partitions', options: {}, name: names[0]!} as Job,
        context(relations),
      )
      expect(Object.values(ensured.commands)).toHaveLength(1)
      for (const command of Object.values(ensured.commands)) await expectOneCall(command)
      for (const name of names) {
        const pruned = await commandsOf(
          database.db,
          {...job('j'), kind: 'prune-history', options: {}, name} as Job,
          context([]),
        )
        const ran = await commandsOf(
          database.db,
          {...job('j'), name, options: {statement: name, searchPath: name}} as Job,
          context([]),
        )
        for (const command of [...Object.values(pruned.commands), ...Object.values(ran.commands)])
          await expectOneCall(command)
      }
      await expectCanary(database)
    })

    it('the gated retention of partition sets with nasty names is declared, changed and run, and drops old partitions', async () => {
      const database = await engine.database()
      const {db} = database
      await database.run('create table canary (x int)')
      await run(db, await planInstall(db))
      await db.probe()
      for (const name of names) {
        const [table, column] = [ident('public', name), ident(name)]
        await database.run(sql`create table ${table} (${column} timestamptz not null) partition by range (${column})`)
        for (const [prefix, from, to] of [
          ['o', 30, 20],
          ['n', 20, -1],
        ] as const)
          await database.run(
            inline(
              sql`create table ${ident('public', `${prefix}${name}`)} partition of ${table} for values from (${raw(`${today} - interval '${from} days'`)}) to (${raw(`${today} - interval '${to} days'`)})`,
            ),
          )
        await database.run(
          sql`insert into ${table} select ${raw(today)} - make_interval(days => age) from unnest(array[25, 1]) as age`,
        )
      }
      const declared = (age: number) =>
        request(
          names.map((name) =>
            declare(formatQualifiedName('public', name), {retention: {after: days(age), native: false}}),
          ),
        )
      pipe(database, (await planPolicies(db, declared(15))).plan)
      expect((await planPolicies(db, declared(15))).plan.steps).toEqual([])
      const changed = (await planPolicies(db, declared(10))).plan
      expect(changed.steps).toHaveLength(names.length)
      expect(stepResults(await run(db, changed)).filter((line) => !line.endsWith(': done'))).toEqual([])
      const relations = names.map((name) => formatQualifiedName('public', name))
      const {plans} = await (await jobKind('retain')).plan(db, {}, context(relations))
      expect(plans).toHaveLength(names.length)
      for (const [index, plan] of plans.entries())
        if (index % 2 === 0) pipe(database, plan)
        else expect(stepResults(await run(db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
      expect(
        await database.run<{child: string}>(
          'select relname as child from pg_class where relispartition and relkind = \'r\' order by relname collate "C"',
        ),
      ).toEqual(
        names
          .map((name) => `n${name}`)
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
          .map((child) => ({child})),
      )
      await expectCanary(database)
    })
  })
