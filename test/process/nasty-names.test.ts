import {spawnSync} from 'node:child_process'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatQualifiedName} from '../../src/db/qualified-name.js'
import {doBlock, ident, sql} from '../../src/db/sql.js'
import {planCreate} from '../../src/partitions/create/create.js'
import {planDetach} from '../../src/partitions/detach/detach.js'
import {planDrop} from '../../src/partitions/detach/drop.js'
import {planEnsure} from '../../src/partitions/create/ensure.js'
import {toScript} from '../../src/run/script.js'
import type {Plan, RunReport} from '../../src/run/step.js'
import {forEachEngine, skipBecause, type TestDatabase} from '../helpers/engines.js'
import {attacks, nastyName} from '../helpers/nasty-names.js'
import {quick} from '../helpers/run-steps.js'
import {stepResults as fatesOf, run as runChunks} from '../helpers/aggregates.js'
import {compress, decompress, drop} from '../helpers/chunks.js'
import {createRequest, ruleOf, run} from '../helpers/partitions.js'

const names = [...new Set([...attacks, ...fc.sample(nastyName(40), 8)])]
const psql = spawnSync('psql', ['--version']).status === 0

/** What an operator does with the output of --dry-run. */
function pipe({url}: TestDatabase, plan: Plan): void {
  const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', url]
  const {status, stderr} = spawnSync('psql', args, {
    input: toScript(plan, quick),
    encoding: 'utf8',
    env: {...process.env, PGCLIENTENCODING: 'UTF8', PGOPTIONS: '-c client_min_messages=error'},
  })
  expect({status, stderr}).toEqual({status: 0, stderr: ''})
}

const failed = ({steps}: RunReport) => steps.filter(({status}) => status !== 'done')

/** No SQL within a name was executed. */
async function expectCanary({run: query}: TestDatabase): Promise<void> {
  expect(await query("select from pg_class where relname = 'canary'")).toHaveLength(1)
}

if (!psql) skipBecause('psql is not installed here')

if (psql)
  forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
    describe('chunks of a hypertable with a nasty name', () => {
      it.each(names)('are compressed, decompressed and dropped by the plan and by its script: %j', async (name) => {
        const database = await engine.database()
        const {db} = database
        await database.run('create table canary (x int)')
        await database.run(sql`create schema ${ident(`s${name}`.slice(0, 20))}`)
        await database.run(sql`create table ${ident('public', name)} (${ident(name)} timestamptz not null, v int)`)
        await database.run(sql`select create_hypertable(format('%I', ${name}::text), ${name}::name, chunk_time_interval => interval '1 day',
        associated_schema_name => ${`s${name}`.slice(0, 20)}::name, associated_table_prefix => ${`p${name}`.slice(0, 15)}::name)`)
        await database.run(
          sql`insert into ${ident('public', name)} select t, 1 from generate_series('2024-01-01+00'::timestamptz, '2024-01-05 23:00+00', '1 hour') t`,
        )
        const table = formatQualifiedName('public', name)
        if (engine.kind === 'timescaledb') {
          await database.run(sql`alter table ${ident('public', name)} set (timescaledb.compress)`)
          const all = {before: '2024-01-05T00:00:00Z'}
          pipe(database, {
            ...(await compress(db, table, all)).plan,
            steps: (await compress(db, table, all)).plan.steps.slice(0, 2),
          })
          expect(
            fatesOf(await runChunks(db, (await compress(db, table, all)).plan)).every((line) => line.endsWith('done')),
          ).toBe(true)
          pipe(database, (await decompress(db, table, '2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z')).plan)
        }
        const first = (await drop(db, table, '2024-01-03T00:00:00Z')).plan
        expect(first.steps).toHaveLength(2)
        pipe(database, first)
        const second = (await drop(db, table, '2024-01-05T00:00:00Z')).plan
        expect(second.steps).toHaveLength(2)
        expect(failed(await runChunks(db, second))).toEqual([])
        expect(await database.run(sql`select from show_chunks(format('%I', ${name}::text)::regclass)`)).toHaveLength(1)
        await expectCanary(database)
      })
    })
  })

if (psql)
  forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
    describe('partitions of a table with a nasty name', () => {
      it.each(names)('are created, detached and dropped by the plan and by its script: %j', async (name) => {
        const database = await engine.database()
        const {db} = database
        const parent = ident('public', name)
        await database.run('create table canary (x int)')
        await database.run(
          sql`create table ${parent} (${ident(name)} timestamptz not null) partition by range (${ident(name)})`,
        )
        const part = (n: number) => `${n}${name}`
        for (const [n, from, to] of [
          [1, '2020-01-01+00', '2020-02-01+00'],
          [2, '2020-02-01+00', '2020-03-01+00'],
          [3, '2020-03-01+00', '2020-04-01+00'],
          [4, '2020-04-01+00', '2020-05-01+00'],
        ] as const) {
          await database.run(
            doBlock`begin create table ${ident('public', part(n))} partition of ${parent} for values from (${from}) to (${to}); end`,
          )
        }
        const relation = formatQualifiedName('public', name)
        pipe(database, await planCreate(db, createRequest(relation, '2024-01', '2024-02')))
        expect(failed(await run(db, await planCreate(db, createRequest(relation, '2024-03', '2024-04'))))).toEqual([])
        const ensure = await planEnsure(db, [ruleOf(relation, {ahead: 1})])
        expect(ensure.findings).toEqual([])
        pipe(database, {...ensure.plan, steps: ensure.plan.steps.slice(0, 1)})
        const set = (
          await db.query<{relation: string}>(sql`select format('%I.%I', 'public', ${name}::text) as relation`)
        )[0]!.relation
        const old = {relation: set, olderThan: {months: 60, days: 0, seconds: 0}, timezone: 'UTC', acceptLoss: false}
        const of = async (plan: Plan, n: number): Promise<Plan> => {
          const [row] = await db.query<{relation: string}>(
            sql`select format('%I.%I', 'public', ${part(n)}::text) as relation`,
          )
          const steps = plan.steps.filter(({object}) => object === row!.relation)
          expect(steps.length).toBeGreaterThanOrEqual(2)
          return {...plan, steps}
        }
        pipe(database, await of((await planDetach(db, old)).plan, 1))
        pipe(database, await of((await planDrop(db, old)).plan, 2))
        expect(failed(await run(db, await of((await planDetach(db, old)).plan, 3)))).toEqual([])
        expect(failed(await run(db, (await planDrop(db, old)).plan))).toEqual([])
        const left = await database.run<{relname: string}>(
          "select relname from pg_class where relkind = 'r' and relname ~ '^[1-4]' and relnamespace = 'public'::regnamespace order by 1",
        )
        expect(left.map(({relname}) => relname[0])).toEqual(['1', '3'])
        await expectCanary(database)
      })

      it.each(names.slice(0, 4))('also with a default partition: %j', async (name) => {
        const database = await engine.database()
        const {db} = database
        const parent = ident('public', name)
        await database.run('create table canary (x int)')
        await database.run(
          sql`create table ${parent} (${ident(name)} timestamptz not null, filler text) partition by range (${ident(name)})`,
        )
        await database.run(sql`create table ${ident('public', `d${name}`)} partition of ${parent} default`)
        await database.run(
          sql`insert into ${parent} select '1999-01-01+00', repeat('x', 500) from generate_series(1, 4000)`,
        )
        const relation = formatQualifiedName('public', name)
        const plan = await planCreate(db, createRequest(relation, '2024-01', '2024-02'))
        expect(plan.steps.map(({kind}) => kind)).toContain('guard default partition')
        pipe(database, plan)
        expect(failed(await run(db, await planCreate(db, createRequest(relation, '2024-03', '2024-04'))))).toEqual([])
        await expectCanary(database)
      })
    })
  })
