import {setTimeout} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../src/db/connect.js'
import type {Database} from '../../src/db/database.js'
import {statement} from '../../src/db/sql.js'
import {noCitus, startCluster, type OwnCluster} from '../helpers/citus-cluster.js'
import {expectExit, jsonOf, runCli, type CliResult} from '../helpers/cli.js'
import {configOf, daemonIn} from '../helpers/daemon-process.js'
import {skipBecause} from '../helpers/engines.js'
import {directoryWith} from '../helpers/files.js'
import {applicationName, targetOf, writing} from '../helpers/server.js'

interface StatsJson {
  tables: {table: string; totalBytes: number; sizeBasis: string; compressedChunks: number; chunks: number}[]
  unansweredNodes: {node: string}[]
}

const ticks = ({tables}: StatsJson) => tables.find(({table}) => table === 'ticks')!
const months = 40

const reason = noCitus()
if (reason !== null) skipBecause(reason)
else
  describe('the life of a set that Citus distributes over two workers', () => {
    let cluster: OwnCluster
    let db: Database
    let cwd: string
    const run = <Row extends object>(text: string) => db.transaction(writing, (tx) => tx.query<Row>(statement(text)))
    const cli = (...args: string[]): Promise<CliResult> => runCli([...args, '--target', 'test'], {cwd})
    const stats = async () => jsonOf<StatsJson>(await cli('stats', '--json'))
    const sizes = async () =>
      (
        await run<{bytes: number; rows: number}>(
          `select sum(citus_total_relation_size(inhrelid))::int8 as bytes, (select count(*) from ticks)::int8 as rows
          from pg_inherits where inhparent = 'ticks'::regclass`,
        )
      )[0]!

    const untilMoving = async () => {
      for (;;) {
        if ((await db.query(statement('select 1 from get_rebalance_progress()'))).length > 0) return
        await setTimeout(50)
      }
    }

    const untilConnected = async (command: string) => {
      for (;;) {
        const found = await db.query(
          statement('select 1 from pg_stat_activity where application_name like $1', [`%${command}%`]),
        )
        if (found.length > 0) return
        await setTimeout(50)
      }
    }

    beforeAll(async () => {
      cluster = await startCluster()
      db = await connect(targetOf(cluster.coordinator.url), {applicationName})
      cwd = directoryWith({
        'qicore-db.config.yaml': JSON.stringify({
          ...(JSON.parse(
            configOf(cluster.coordinator.url, {
              partitions: {schedule: '* * * * * *'},
              compress: {schedule: '* * * * * *', retries: 0},
            }),
          ) as object),
          tables: {
            'public.ticks': {
              partitions: {every: 'month', ahead: 2},
              compression: {after: '1 year'},
              retention: {after: '2 years'},
            },
          },
        }),
      })
    }, 120_000)
    afterAll(async () => {
      await db?.close()
      await cluster?.stop()
    }, 60_000)

    it('is created, filled, converted and retained, with the figures of Citus', async () => {
      await run(`create table ticks (time timestamptz not null, symbol int not null, price numeric,
        primary key (symbol, time)) partition by range (time)`)
      await db.autocommit(writing, statement("select create_distributed_table('ticks', 'symbol', shard_count => 4)"))
      expectExit(await cli('migrate', 'up', '--stream', 'core', '--yes'), 0)
      const [{first}] = (await run<{first: string}>(
        `select to_char(now() at time zone 'UTC' - interval '${months} months', 'YYYY-MM') as first`,
      )) as [{first: string}]
      const [{last}] = (await run<{last: string}>("select to_char(now() at time zone 'UTC', 'YYYY-MM') as last")) as [
        {last: string},
      ]
      expectExit(await cli('partitions', 'create', 'ticks', '--from', first, '--to', last), 0)
      expectExit(await cli('partitions', 'ensure'), 0)
      await run(`insert into ticks select t, n, n from generate_series(date_trunc('month', now(), 'UTC')
        - interval '${months} months', now(), interval '6 hours') t, generate_series(1, 10) n`)
      expectExit(await cli('policies', 'apply', '--yes', '--confirm', 'test'), 0)
      await db.autocommit(writing, statement('analyze ticks'))

      const before = await sizes()
      expect(ticks(await stats())).toMatchObject({totalBytes: before.bytes, sizeBasis: 'exact', chunks: months + 3})
      expectExit(await cli('jobs', 'run', 'compress', '--yes'), 0)
      const converted = ticks(await stats())
      expect(converted.compressedChunks).toBeGreaterThan(20)
      expect(await sizes()).toEqual({bytes: converted.totalBytes, rows: before.rows})

      const [{old}] = (await run<{old: number}>(
        `select count(*)::int as old from ticks where time < date_trunc('month', now() - interval '2 years', 'UTC')`,
      )) as [{old: number}]
      expectExit(await cli('partitions', 'drop', 'ticks', '--older-than', '2y', '--confirm', 'test'), 0)
      const left = ticks(await stats())
      expect(await sizes()).toEqual({bytes: left.totalBytes, rows: before.rows - old})
      expect(left.chunks).toBeLessThan(converted.chunks)
    }, 180_000)

    it('a shard that moves during ensure is waited for: the step is retried, and its note names the rebalance', async () => {
      await run('drop table if exists ticks_moved')
      const [{partition}] = (await run<{partition: string}>(
        "select max(inhrelid::regclass::text) as partition from pg_inherits where inhparent = 'ticks'::regclass",
      )) as [{partition: string}]
      await run(`drop table ${partition}`)
      const [first, second] = cluster.workers
      const [mover, writer] = [
        await connect(targetOf(cluster.coordinator.url), {applicationName}),
        await connect(targetOf(cluster.coordinator.url), {applicationName}),
      ]
      try {
        const [{shard, from}] = (await mover.query<{shard: number; from: number}>(
          statement(`select shardid::int8 as shard, nodeport as from
            from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid)
            where logicalrelid = 'public.ticks'::regclass limit 1`),
        )) as [{shard: number; from: number}]
        const to = from === first.port ? second.port : first.port
        // The move waits for this writer, so that it lasts as long as the test needs.
        const {moved, ensuring} = await writer.transaction(writing, async (tx) => {
          await tx.query(statement('insert into public.ticks select now(), n, 1 from generate_series(1000, 1100) n'))
          const move = mover.autocommit(
            writing,
            statement(
              `select citus_move_shard_placement(${shard}, '127.0.0.1', ${from}, '127.0.0.1', ${to}, 'block_writes')`,
            ),
          )
          await untilMoving()
          const ensure = runCli(['partitions', 'ensure', '--target', 'test'], {cwd, process: true})
          await setTimeout(4_000)
          return {moved: {move}, ensuring: {ensure}}
        })
        await moved.move
        const ensured = await ensuring.ensure
        expectExit(ensured, 0)
        expect(ensured.stderr + ensured.stdout).toContain('citus_rebalance_status()')
      } finally {
        await mover.close()
        await writer.close()
      }
      expect((await run(`select 1 from pg_class where relname = '${partition}'`)).length).toBe(1)
      const {bytes} = await sizes()
      expect(ticks(await stats())).toMatchObject({totalBytes: bytes, sizeBasis: 'exact'})
    }, 120_000)

    it('while a worker is killed the daemon goes on, and does its work when the worker is back', async () => {
      const before = await sizes()
      const daemon = daemonIn(cwd)
      const done = (after: number) =>
        daemon.event(
          'occurrence_ended',
          (line) =>
            line.job === 'partitions' &&
            daemon.lines.indexOf(line) >= after &&
            ['done', 'nothing'].includes(`${line.status}`),
        )
      await done(0)
      const [, second] = cluster.workers
      await second.kill()
      const report = await stats()
      expect(report.unansweredNodes.map(({node}) => node)).toEqual([`127.0.0.1:${second.port}`])
      expect(ticks(report).sizeBasis).toBe('mixed')
      const waiting = runCli(
        ['partitions', 'create', 'ticks', '--from', '2019-01', '--to', '2019-01', '--target', 'test'],
        {
          cwd,
          process: true,
        },
      )
      await untilConnected('partitions create')
      await setTimeout(3_000)
      await second.start()
      const created = await waiting
      expectExit(created, 0)
      expect(created.stderr).toContain('another server is unreachable')
      expect(created.stderr, 'Citus names the node').toContain(String(second.port))
      await done(daemon.lines.length)
      daemon.child.kill('SIGTERM')
      expect(await daemon.ended).toBe(0)
      const after = await sizes()
      expect(after.rows).toBe(before.rows)
      expect(ticks(await stats())).toMatchObject({totalBytes: after.bytes, sizeBasis: 'exact'})
      expect(await run('select 1 from pg_prepared_xacts')).toEqual([])
    }, 120_000)
  })
