import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits, type Limits} from '../../../src/run/limits.js'
import type {Plan} from '../../../src/run/step.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readStats} from '../../../src/reports/stats.js'
import {connect} from '../../../src/db/connect.js'
import {clusterUrls, createCluster, noCluster, type Cluster} from '../../helpers/citus.js'
import {skipBecause} from '../../helpers/engines.js'
import {ruleOf} from '../../helpers/partitions.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'
import {sql, statement} from '../../../src/db/sql.js'

const request = {fast: false, late: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 0}
const quick: Limits = {
  ...defaultLimits,
  exclusiveLockTimeout: 300,
  firstRetry: 20,
  longestRetry: 50,
  retryBudget: 2_000,
}
const years = (n: number) => ({olderThan: {months: 12 * n, days: 0, seconds: 0}, timezone: 'UTC'})

if (clusterUrls.length < 3) skipBecause(noCluster)
else
  describe('a set that Citus distributes over two workers', () => {
    let cluster: Cluster

    beforeAll(async () => {
      cluster = await createCluster()
      const {run, autocommit} = cluster
      await run('create table exchanges (id int primary key, name text)')
      await autocommit("select create_reference_table('exchanges')")
      await run(
        'create table ticks (time timestamptz not null, symbol int not null, exchange int references exchanges, price numeric, primary key (symbol, time)) partition by range (time)',
      )
      for (const [name, from, to] of [
        ['ticks_y2020m01', '2020-01-01', '2020-02-01'],
        ['ticks_y2020m02', '2020-02-01', '2020-03-01'],
        ['ticks_y2020m03', '2020-03-01', '2020-04-01'],
        ['ticks_new', '2020-04-01', '2026-01-01'],
      ])
        await run(`create table ${name} partition of ticks for values from ('${from}Z') to ('${to}Z')`)
      await run('create table here (time timestamptz not null) partition by range (time)')
      await run("create table here_1 partition of here for values from ('2020-01-01Z') to ('2020-02-01Z')")
      await run("insert into here select '2020-01-02Z' from generate_series(1, 1000)")
      await autocommit('set citus.shard_count = 4')
      await autocommit("select create_distributed_table('ticks', 'symbol', shard_count => 4)")
      await run('insert into exchanges values (1)')
      await run(
        "insert into ticks select '2020-01-01Z'::timestamptz + g * interval '4 min', g % 97, 1, g from generate_series(1, 30000) g",
      )
      await autocommit('analyze ticks')
    }, 120_000)
    afterAll(() => cluster?.close())

    const run = (plan: Plan, limits = quick) => execute(cluster.db, plan, {limits, ledger: null})

    it('is recognised, and a worker is refused for changes', async () => {
      expect(cluster.db.server).toMatchObject({engine: 'citus', citus: {worker: false}})
      const worker = await connect(targetOf(cluster.workers[0]), {applicationName})
      expect(worker.server.citus).toMatchObject({worker: true})
      const plan: Plan = {operation: 'x', summary: 'x', cutoff: null, tables: [], locks: [], steps: []}
      await expect(execute(worker, plan, {limits: quick, ledger: null})).rejects.toMatchObject({
        code: 'WORKER_NODE',
        exitCode: 2,
      })
      await worker.close()
    })

    it('has the sizes of citus_total_relation_size and the rows of count(*)', async () => {
      const {tables, unansweredNodes, notes} = await readStats(cluster.db, request)
      const ticks = tables.find(({table}) => table === 'ticks')!
      const [sizes] = await cluster.run<{bytes: number; exchanges: number}>(
        "select sum(citus_total_relation_size(inhrelid))::int8 as bytes from pg_inherits where inhparent = 'ticks'::regclass",
      )
      expect(ticks).toMatchObject({
        totalBytes: sizes!.bytes,
        sizeBasis: 'exact',
        skippedChunks: 0,
        shards: 4,
        nodes: 2,
        oldest: '2020-01-01T00:04:00Z',
      })
      expect({unansweredNodes, notes}).toEqual({unansweredNodes: [], notes: []})
      expect(tables.find(({table}) => table === 'here')).toMatchObject({shards: null, nodes: null, sizeBasis: 'exact'})
      const counted = await cluster
        .run<{partition: string; rows: number; bytes: number}>(
          'select tableoid::regclass::text as partition, count(*) as rows, citus_total_relation_size(tableoid::regclass) as bytes from ticks group by tableoid',
        )
        .catch(async () =>
          Promise.all(
            ['ticks_y2020m01', 'ticks_y2020m02', 'ticks_y2020m03', 'ticks_new'].map(async (partition) => ({
              partition,
              ...(
                await cluster.run<{rows: number; bytes: number}>(
                  `select (select count(*) from ${partition}) as rows, citus_total_relation_size('${partition}') as bytes`,
                )
              )[0]!,
            })),
          ),
        )
      const {chunks} = await readChunkStats(cluster.db, request)
      const {partitions} = await readPartitions(cluster.db, [], 'public.ticks')
      for (const {partition, rows, bytes} of counted) {
        expect(chunks.find(({chunk}) => chunk === partition)).toMatchObject({totalBytes: bytes, estimatedRows: rows})
        expect(partitions.find((row) => row.partition === partition)).toMatchObject({
          totalBytes: bytes,
          estimatedRows: rows,
        })
      }
      expect(counted.reduce((sum, {rows}) => sum + rows, 0)).toBe(30_000)
    })

    it('a shard that a session has locked on a worker is left out and not waited for', async () => {
      const worker = await connect(targetOf(cluster.workers[0]), {applicationName})
      const [shard] = await worker.query<{name: string}>(
        statement(
          "select shard_name(s.logicalrelid, s.shardid) as name from pg_dist_shard s join pg_dist_placement p using (shardid) where s.logicalrelid = 'public.ticks_y2020m01'::regclass and p.groupid = (select groupid from pg_dist_local_group) limit 1",
        ),
      )
      await worker.transaction(writing, async (tx) => {
        // Citus protects the shards from everybody else.
        await tx.query(statement('set local citus.enable_manual_changes_to_shards = on'))
        await tx.query(statement(`lock table ${shard!.name} in access exclusive mode`))
        // The lock is held until the report has ended: one that waited for it would not end.
        const {tables, notes} = await readStats(cluster.db, request)
        expect(tables.find(({table}) => table === 'ticks')).toMatchObject({sizeBasis: 'mixed', skippedChunks: 1})
        expect(notes.join()).toContain('public.ticks (1) are not in the sizes, because another session holds a lock')
      })
      await worker.close()
    })

    it('gets its partitions, although a foreign key refers to a replicated table', async () => {
      const rule = ruleOf('public.ticks')
      const {plan, findings} = await planEnsure(cluster.db, [rule])
      expect(findings).toEqual([])
      expect(plan.steps).toHaveLength(4)
      const {steps} = await run(plan)
      expect(steps.map(({status, error}) => error ?? status)).toEqual(['done', 'done', 'done', 'done'])
      expect((await planEnsure(cluster.db, [rule])).plan.steps).toEqual([])
      const [made] = await cluster.run(
        "select count(*)::int as distributed from pg_dist_partition p join pg_inherits i on i.inhrelid = p.logicalrelid where i.inhparent = 'ticks'::regclass",
      )
      expect(made).toEqual({distributed: 8})
    })

    it('while a worker is unreachable, reports name it, and a step says so instead of losing its own connection', async () => {
      await cluster.loseSecondWorker()
      try {
        const {tables, unansweredNodes, notes} = await readStats(cluster.db, request)
        expect(unansweredNodes.map(({node}) => node)).toEqual([cluster.nodes[1]])
        const ticks = tables.find(({table}) => table === 'ticks')!
        expect(ticks).toMatchObject({sizeBasis: 'mixed', oldest: null, newest: null})
        expect(ticks.skippedChunks).toBe(ticks.chunks)
        expect(ticks.totalBytes, 'the part on the first worker').toBeGreaterThan(100_000)
        expect(tables.find(({table}) => table === 'here')).toMatchObject({sizeBasis: 'exact', skippedChunks: 0})
        expect(notes.join('\n')).toContain(`without the shards on ${cluster.nodes[1]}, which did not answer`)
        expect(notes.join('\n')).toContain(
          'Another server that holds rows of public.ticks (a node of Citus, or the server of a foreign table) did not answer',
        )
        const {partitions} = await readPartitions(cluster.db, [], 'public.ticks')
        expect(partitions.every(({totalBytes, estimatedRows}) => totalBytes === null && estimatedRows === null)).toBe(
          true,
        )
        const {plan, notes: asked} = await planDrop(cluster.db, {
          relation: 'public.ticks',
          ...years(3),
          acceptLoss: false,
        })
        expect(asked.join()).toContain('size unknown, number of rows unknown')
        const pid = cluster.db.backend!.pid
        const {steps} = await run({...plan, steps: plan.steps.slice(0, 1)}, {...quick, retryBudget: 300})
        expect(steps).toMatchObject([{status: 'failed', reason: {code: 'node_unreachable'}, retryable: true}])
        expect(steps[0]!.error).toContain(cluster.nodes[1].replace('127.0.0.1:', ''))
        expect(cluster.db.backend!.pid, 'the session was not opened again').toBe(pid)
      } finally {
        await cluster.findSecondWorker()
      }
      const {tables, unansweredNodes} = await readStats(cluster.db, request)
      expect(unansweredNodes).toEqual([])
      expect(tables.find(({table}) => table === 'ticks')).toMatchObject({sizeBasis: 'exact', skippedChunks: 0})
    })

    it('waits for a lock on a worker only as long as the limit, and retries', async () => {
      const worker = await connect(targetOf(cluster.workers[0]), {applicationName})
      const [shard] = await worker.query<{name: string}>(
        statement(
          "select shard_name(s.logicalrelid, s.shardid) as name from pg_dist_shard s join pg_dist_placement p using (shardid) where s.logicalrelid = 'public.ticks_y2020m01'::regclass and p.groupid = (select groupid from pg_dist_local_group) limit 1",
        ),
      )
      const {plan} = await planDetach(cluster.db, {relation: 'public.ticks', ...years(3)})
      expect(plan.steps.map(({id, lock}) => [id, lock])).toEqual([
        ['detach public.ticks_y2020m01', 'ACCESS EXCLUSIVE'],
        ['detach public.ticks_y2020m02', 'ACCESS EXCLUSIVE'],
        ['detach public.ticks_y2020m03', 'ACCESS EXCLUSIVE'],
      ])
      await worker.transaction(writing, async (tx) => {
        await tx.query(statement(`select 1 from ${shard!.name} limit 1`))
        const {steps} = await run({...plan, steps: plan.steps.slice(0, 1)}, {...quick, retryBudget: 0})
        // lock_not_available is the worker's lock_timeout. Without it the step would wait for the reader, who waits for the step.
        expect(steps).toMatchObject([{status: 'failed', reason: {code: 'blocked'}, sqlState: '55P03'}])
      })
      await worker.close()
      const {steps} = await run({...plan, steps: plan.steps.slice(0, 1)})
      expect(steps).toMatchObject([{status: 'done'}])
      expect((await planDetach(cluster.db, {relation: 'public.ticks', ...years(3)})).plan.steps).toHaveLength(2)
      const [kept] = await cluster.run('select count(*)::int as rows from ticks_y2020m01')
      expect(kept).toEqual({rows: 31 * 360 - 1})
    })

    it('drops old partitions on every node, and says before how much', async () => {
      const old = {relation: 'public.ticks', ...years(3), acceptLoss: false}
      const {plan, notes} = await planDrop(cluster.db, old)
      expect(notes[0]).toContain('which cannot detach CONCURRENTLY')
      const [counted] = await cluster.run<{n: number}>(
        "select count(*)::int as n from ticks where time >= '2020-02-01Z' and time < '2020-04-01Z'",
      )
      expect(notes.at(-1)).toContain(`about ${counted!.n} rows.`)
      const {steps} = await run(plan)
      expect(steps.map(({id, status}) => `${id}: ${status}`)).toEqual([
        'drop public.ticks_y2020m02: done',
        'drop public.ticks_y2020m03: done',
      ])
      expect((await planDrop(cluster.db, old)).plan.steps).toEqual([])
      const worker = await connect(targetOf(cluster.workers[1]), {applicationName})
      expect(await worker.query(sql`select 1 from pg_class where relname like 'ticks_y2020m02%'`)).toEqual([])
      await worker.close()
    })
  })
