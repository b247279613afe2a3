import {expect, it} from 'vitest'
import {readPartitions} from '../../../src/partitions/list.js'
import {readStats} from '../../../src/reports/stats.js'
import {readCompression} from '../../../src/reports/compression.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {connect} from '../../../src/db/connect.js'
import {forEachEngine} from '../../helpers/engines.js'
import {up} from '../../helpers/migrate-up.js'
import {applicationName} from '../../helpers/server.js'

const request = {fast: false, late: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 0}

// One server is coordinator and only node; test/engine/citus uses a coordinator with two workers.
forEachEngine({kinds: ['citus'], native: true}, (engine) => {
  it('tables that Citus distributes have the sizes and rows of their shards, beside tables that it does not', async () => {
    const {db, run, autocommit} = await engine.database()
    for (const table of ['ticks', 'local']) {
      await run(`create table ${table} (time timestamptz not null, symbol int not null) partition by range (time)`)
      await run(`create table ${table}_1 partition of ${table} for values from ('2026-01-01Z') to ('2026-02-01Z')`)
      await run(`create table ${table}_2 partition of ${table} for values from ('2026-02-01Z') to ('2026-03-01Z')`)
    }
    await autocommit("select create_distributed_table('ticks', 'symbol', shard_count => 3)")
    for (const table of ['ticks', 'local'])
      await run(`insert into ${table} select '2026-01-02Z', g from generate_series(1, 1000) g`)
    await autocommit('analyze')
    for (const fast of [true, false]) {
      const {tables, notes, unansweredNodes} = await readStats(db, {...request, fast})
      expect(unansweredNodes).toEqual([])
      expect(notes.join(), 'no session has them locked').not.toContain('lock')
      const [size] = await run<{bytes: number}>(
        "select citus_total_relation_size('ticks_1') + citus_total_relation_size('ticks_2') as bytes",
      )
      expect(tables.find(({table}) => table === 'ticks')).toMatchObject({
        totalBytes: size!.bytes,
        sizeBasis: 'exact',
        shards: 3,
        nodes: 1,
      })
      expect(tables.find(({table}) => table === 'local')).toMatchObject({shards: null, nodes: null})
      expect(tables.find(({table}) => table === 'local')!.totalBytes).toBeGreaterThan(8_192)
    }
    const {partitions} = await readPartitions(db, [], null)
    expect(partitions.map(({partition, estimatedRows}) => [partition, estimatedRows])).toEqual([
      ['local_2', 0],
      ['local_1', 1000],
      ['ticks_2', 0],
      ['ticks_1', 1000],
    ])
  })

  it('columnar partitions are compressed ones, distributed or not', async () => {
    const {db, run, autocommit} = await engine.database()
    await autocommit('create extension if not exists citus_columnar')
    await run('create table ticks (time timestamptz not null, symbol int not null) partition by range (time)')
    await run(
      "create table ticks_1 partition of ticks for values from ('2026-01-01Z') to ('2026-02-01Z') using columnar",
    )
    await run("create table ticks_2 partition of ticks for values from ('2026-02-01Z') to ('2026-03-01Z')")
    await run("insert into ticks select '2026-01-02Z', g from generate_series(1, 1000) g")
    for (const distributed of [false, true]) {
      if (distributed) await autocommit("select create_distributed_table('ticks', 'symbol', shard_count => 2)")
      const {tables} = await readStats(db, request)
      expect(tables).toMatchObject([{table: 'ticks', chunks: 2, compressedChunks: 1, beforeBytes: null}])
      const {chunks} = await readChunkStats(db, request)
      expect(chunks.map(({chunk, flags}) => [chunk, flags])).toEqual([
        ['ticks_2', []],
        ['ticks_1', ['compressed', 'columnar']],
      ])
      const {tables: compressed} = await readCompression(db, request)
      expect(compressed).toMatchObject([{table: 'ticks', compressedChunks: 1, ratio: null}])
    }
  })

  it('shards are not listed, also if the database shows them to its clients', async () => {
    const database = await engine.database()
    await database.run('create table ticks (time timestamptz not null, symbol int not null) partition by range (time)')
    await database.run("create table ticks_1 partition of ticks for values from ('2026-01-01Z') to ('2026-02-01Z')")
    await database.autocommit("select create_distributed_table('ticks', 'symbol', shard_count => 3)")
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    await database.autocommit(`alter database "${name}" set citus.override_table_visibility = off`)
    const db = await connect(database.target, {applicationName})
    expect(db.server.corrections).toContainEqual(['citus.override_table_visibility', 'on'])
    expect((await readStats(db, request)).tables.map(({table}) => table)).toEqual(['ticks'])
    expect((await readPartitions(db, [], null)).partitions).toHaveLength(1)
    await db.close()
  })

  it('the schema qicore is on the coordinator alone, also if the database distributes new schemas and tables', async () => {
    const database = await engine.database()
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    for (const setting of ['enable_schema_based_sharding', 'use_citus_managed_tables'])
      await database.autocommit(`alter database "${name}" set citus.${setting} = on`)
    const db = await connect(database.target, {applicationName})
    await up(db)
    expect(
      await database.run("select logicalrelid::text from pg_dist_partition where logicalrelid::text like 'qicore.%'"),
    ).toEqual([])
    expect(await database.run("select engine from qicore.schema_versions where stream = 'qicore' limit 1")).toEqual([
      {engine: 'citus'},
    ])
    await db.close()
  })
})
