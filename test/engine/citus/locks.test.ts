import {setTimeout} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {planConvert} from '../../../src/partitions/convert.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {connect} from '../../../src/db/connect.js'
import type {Database, Db} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits, type Limits} from '../../../src/run/limits.js'
import type {Plan} from '../../../src/run/step.js'
import {clusterUrls, createCluster, noCluster, type Cluster} from '../../helpers/citus.js'
import {skipBecause} from '../../helpers/engines.js'
import {up} from '../../helpers/migrate-up.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const limits: Limits = {
  ...defaultLimits,
  lockTimeout: 300,
  exclusiveLockTimeout: 300,
  firstRetry: 20,
  longestRetry: 50,
  retryBudget: 0,
}
const first = 'public.ticks_y2020m01'

/** The first step of each kind of change that takes ACCESS EXCLUSIVE on every node, of the first partition of a table. */
const changes: [name: string, plan: (db: Database, table?: string) => Promise<Plan>][] = [
  ['detach', async (db, table) => (await planDetach(db, old(table))).plan],
  ['drop', async (db, table) => (await planDrop(db, {...old(table), acceptLoss: false})).plan],
  [
    'conversion',
    async (db, table = 'ticks') => {
      const partitions = [`public.${table}_y2020m01`]
      const {steps} = await planConvert(db, {relation: `public.${table}`, partitions, to: 'columnar', order: []})
      return {operation: 'x', summary: 'x', cutoff: null, tables: [`public.${table}`], locks: [], steps}
    },
  ],
]

function old(table = 'ticks') {
  return {relation: `public.${table}`, olderThan: {months: 36, days: 0, seconds: 0}, timezone: 'UTC'}
}

if (clusterUrls.length < 3) skipBecause(noCluster)
else
  describe('while a session on a worker of Citus holds a lock on a shard', () => {
    let cluster: Cluster
    let worker: Database

    beforeAll(async () => {
      cluster = await createCluster()
      const {autocommit} = cluster
      await autocommit('create extension citus_columnar')
      await up(cluster.db)
      await createTable('ticks')
      worker = await connect(targetOf(cluster.workers[0]), {applicationName})
    }, 120_000)
    afterAll(async () => {
      await worker?.close()
      await cluster?.close()
    })

    const createTable = async (table: string) => {
      const {run, autocommit} = cluster
      await run(`create table ${table} (time timestamptz not null, symbol int not null) partition by range (time)`)
      for (const month of [1, 2, 3])
        await run(
          `create table ${table}_y2020m0${month} partition of ${table} for values from ('2020-0${month}-01Z') to ('2020-0${month + 1}-01Z')`,
        )
      await autocommit(
        `select create_distributed_table('${table}', 'symbol', shard_count => 4, colocate_with => 'none')`,
      )
      await run(`insert into ${table} select '2020-01-02Z', g from generate_series(1, 1000) g`)
    }
    const nameOfShard = async (table: string) => {
      const [shard] = await worker.query<{name: string}>(
        statement(
          `select shard_name(s.logicalrelid, s.shardid) as name from pg_dist_shard s join pg_dist_placement p using (shardid)
          where s.logicalrelid = $1::regclass and p.groupid = (select groupid from pg_dist_local_group) limit 1`,
          [table],
        ),
      )
      return shard!.name
    }
    const oneStep = (plan: Plan, retryBudget = 0) =>
      execute(cluster.db, {...plan, steps: plan.steps.slice(0, 1)}, {limits: {...limits, retryBudget}, ledger: null})
    const partitions = async (table = 'ticks') =>
      (
        await cluster.run<{name: string; method: string}>(
          'select c.relname as name, a.amname as method from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_am a on a.oid = c.relam where i.inhparent = $1::regclass order by 1',
          [`public.${table}`],
        )
      ).map(({name, method}) => `${name} ${method}`)

    /** The lock is held until `work` has ended: work that waited for it would not end. */
    const whileLocked = async <R>(table: string, lock: string, work: (shard: string) => Promise<R>): Promise<R> => {
      const shard = await nameOfShard(table)
      return worker.transaction(writing, async (tx: Db) => {
        // Citus protects the shards from everybody else.
        await tx.query(statement('set local citus.enable_manual_changes_to_shards = on'))
        await tx.query(statement(`lock table ${shard} in ${lock} mode`))
        return work(shard)
      })
    }

    it.each(changes)('a %s gives up and names the node, the session and the shard', async (_, planOf) => {
      const plan = await planOf(cluster.db)
      const before = await partitions()
      await whileLocked(first, 'access share', async (shard) => {
        const {steps} = await oneStep(plan)
        expect(steps).toMatchObject([{status: 'failed', reason: {code: 'blocked'}, sqlState: '55P03'}])
        const {pid} = worker.backend!
        expect(steps[0]!.note).toContain(
          `pid ${pid} on ${cluster.nodes[0]} (postgres, ${applicationName}) holds AccessShareLock on ${shard.replace('public.', '')}`,
        )
        expect(steps[0]!.note).toContain('lock table')
      })
      expect(await partitions(), 'nothing is half done').toEqual(before)
    })

    it('a session that reads through another worker is named where it is connected', async () => {
      const other = await connect(targetOf(cluster.workers[1]), {applicationName})
      try {
        const plan = await changes[0]![1](cluster.db)
        await other.transaction(writing, async (tx) => {
          await tx.query(statement('select count(*) from ticks'))
          const {steps} = await oneStep(plan)
          expect(steps[0]!.note).toContain(`pid ${other.backend!.pid} on ${cluster.nodes[1]} (`)
        })
      } finally {
        await other.close()
      }
    })

    /** A move that waits, for the size or the rows of a shard that the worker has locked. */
    const startMove = async (mover: Database, table: string) => {
      const [from, to] = cluster.nodes.map((node) => node.split(':')[1]!)
      const [shard] = await cluster.db.query<{id: number}>(
        statement(
          `select shardid::int8 as id from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid)
          where logicalrelid = $1::regclass and nodeport = $2::int limit 1`,
          [`public.${table}_y2020m03`, from!],
        ),
      )
      const move = mover.autocommit(
        writing,
        statement(
          `select citus_move_shard_placement(${shard!.id}, '127.0.0.1', ${from}, '127.0.0.1', ${to}, 'block_writes')`,
        ),
      )
      const isWaiting = statement(
        `select 1 from pg_locks where pid = $1 and relation = 'public.${table}'::regclass and granted`,
        [mover.backend!.pid],
      )
      while ((await cluster.db.query(isWaiting)).length === 0) await setTimeout(20)
      // Returned in an object, because the move ends only after the lock of the worker.
      return {move}
    }

    it.each(changes)(
      'a %s waits for the move of a shard and names it, and nothing is half done',
      async (name, planOf) => {
        const table = `moved_${name}`
        await createTable(table)
        const plan = await planOf(cluster.db, table)
        const before = await partitions(table)
        const mover = await connect(targetOf(cluster.url), {applicationName})
        try {
          const {move, retried} = await whileLocked(`public.${table}_y2020m03`, 'access exclusive', async () => {
            const moving = await startMove(mover, table)
            const {steps} = await oneStep(plan)
            expect(steps).toMatchObject([{status: 'failed', reason: {code: 'blocked'}}])
            expect(steps[0]!.note).toContain('citus_rebalance_status()')
            expect(steps[0]!.note).toContain('citus_move_shard_placement')
            expect(await partitions(table)).toEqual(before)
            // The lock is released while this one is being retried.
            const retried = oneStep(plan, 60_000)
            await setTimeout(500)
            return {...moving, retried}
          })
          await move
          const [step] = (await retried).steps
          expect(step).toMatchObject({status: 'done'})
          expect(step!.attempts).toBeGreaterThan(1)
        } finally {
          await mover.close()
        }
        expect(await partitions(table)).not.toEqual(before)
        const kept = name === 'detach' ? `${table}_y2020m01` : table
        expect(await cluster.run(`select count(*)::int as rows from ${kept}`)).toEqual([
          {rows: name === 'drop' ? 0 : 1000},
        ])
      },
    )

    it('the routines in SQL give up after their limit too, and a later run does the work', async () => {
      const {run, autocommit} = cluster
      const steps = () =>
        run<{step: string; status: string; error: string | null}>(
          'select s.step, s.status, s.error from qicore.maintenance_step s order by s.log_id desc, s.position desc limit 1',
        )
      const ensure = `call qicore.ensure_partitions('[{"table": "public.ticks", "every": "month", "ahead": 0, "timezone": "UTC"}]')`
      // ATTACH takes SHARE UPDATE EXCLUSIVE on the shards of the table.
      await whileLocked('public.ticks', 'share update exclusive', () => autocommit(ensure))
      expect(await steps()).toMatchObject([{status: 'failed', error: expect.stringContaining('[55P03]') as string}])
      await autocommit(ensure)
      expect(await steps()).toMatchObject([{status: 'done'}])

      // Retention keeps everything of a set that gets no rows any more.
      await run('insert into ticks values (now(), 1)')
      await run(
        "insert into qicore.policies (object, kind, config) values ('public.ticks', 'retention', $1::jsonb || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.ticks', $1::jsonb))))",
        ['{"after": "3 years", "maxDropPerRun": 1}'],
      )
      const retain = `call qicore.retain(0, '{"object": "public.ticks"}')`
      await whileLocked(first, 'access share', () => expect(autocommit(retain)).rejects.toThrow('55P03'))
      await autocommit(retain)
      expect(await partitions()).not.toContain('ticks_y2020m01 heap')
    })
  })
