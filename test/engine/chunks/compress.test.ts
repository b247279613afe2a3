import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {execute, preview} from '../../../src/run/execute.js'
import type {Progress} from '../../../src/run/run-step.js'
import {toScript} from '../../../src/run/script.js'
import {forEachEngine} from '../../helpers/engines.js'
import {quick} from '../../helpers/run-steps.js'
import {stepResults, run} from '../../helpers/aggregates.js'
import {chunkNames, compress, decompress, statuses, tenDays} from '../../helpers/chunks.js'

const community = {kinds: ['timescaledb']} as const

forEachEngine(community, (engine) => {
  it('a dry run changes nothing, a run compresses the oldest first, and a second run has nothing to do', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const {plan, notes} = await compress(database.db, 'm', {before: '2024-01-04T00:00:00Z'})
    expect(notes).toEqual([])
    expect(plan.summary).toBe('compress 3 chunks of public.m older than 2024-01-04 UTC')
    expect(plan.cutoff).toBe('2024-01-04T00:00:00Z')
    expect(plan.steps.map(({id}) => id)).toEqual(names.slice(0, 3).map((name) => `compress ${name}`))
    expect(plan.steps.every(({bytes, class: kind}) => bytes! > 0 && kind === 'safe')).toBe(true)
    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual([
      'planned',
      'planned',
      'planned',
    ])
    expect(await statuses(database)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

    expect(stepResults(await run(database.db, plan)).map((line) => line.replace(/.*: /, ''))).toEqual([
      'done',
      'done',
      'done',
    ])
    expect(await statuses(database)).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 2880}])
    expect((await compress(database.db, 'm', {before: '2024-01-04T00:00:00Z'})).plan.steps).toEqual([])
    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual([
      'skipped',
      'skipped',
      'skipped',
    ])
  })

  it('compresses refilled chunks again, and skips frozen chunks with a note', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    await run(database.db, (await compress(database.db, 'm', {before: '2024-01-05T00:00:00Z'})).plan)
    await database.run("insert into m values ('2024-01-02 12:34+00', 1, 1)")
    await database.run(`select _timescaledb_functions.freeze_chunk('_timescaledb_internal.${names[5]}')`)
    const {plan, notes} = await compress(database.db, 'm', {before: '2024-01-07T00:00:00Z'})
    expect(plan.steps.map(({id}) => id)).toEqual([`compress ${names[1]}`, `compress ${names[4]}`])
    expect(notes).toEqual([expect.stringContaining(`Frozen, skipped: ${names[5]}.`)])
    await run(database.db, plan)
    expect(await statuses(database)).toEqual([1, 1, 1, 1, 1, 4, 0, 0, 0, 0])
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 2881}])
  })

  it('a range includes the chunk that extends before its start, and excludes the one that extends past its end', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const micros = (text: string) => BigInt(Date.parse(text)) * 1000n
    const {plan} = await compress(database.db, 'm', {
      start: micros('2024-01-03T12:00:00Z'),
      end: micros('2024-01-05T12:00:00Z'),
    })
    expect(plan.steps.map(({id}) => id)).toEqual([`compress ${names[2]}`, `compress ${names[3]}`])
  })

  it('compresses what the live policy makes due, else the declared one, else requires a range', async () => {
    const database = await engine.database()
    await tenDays(database)
    await expect(compress(database.db, 'm', null)).rejects.toMatchObject({code: 'NO_RANGE', exitCode: 2})
    const declared = {months: 0, days: 30, seconds: 0}
    expect((await compress(database.db, 'm', null, {declared})).plan.steps).toHaveLength(10)
    // Far enough in the future that no chunk is due.
    await database.run("select add_compression_policy('m', interval '100 years')")
    const live = await compress(database.db, 'm', null, {declared})
    expect(live.plan.steps).toEqual([])
    expect(live.notes).toEqual([
      'Compression of public.m is declared as 30 days, but the live policy has 100 years: qicore-db policies plan',
    ])
    const early = await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})
    expect(early.notes).toEqual([expect.stringContaining("The chunk is younger than the live policy's 100 years")])
  })

  it('names the section of the configuration in which a hypertable and an aggregate declare their compression', async () => {
    const database = await engine.database()
    await database.run(
      "create table plain (time timestamptz not null, v float); select create_hypertable('plain', 'time')",
    )
    await database.run(`create materialized view "Hour ""h" with (timescaledb.continuous, timescaledb.materialized_only = true) as
      select time_bucket('1 hour', time) as bucket, avg(v) as v from plain group by 1 with no data`)
    const then = 'in the configuration, then: qicore-db policies apply'
    for (const [name, key] of [
      ['plain', 'tables."public.plain"'],
      ['public."Hour ""h"', String.raw`aggregates."public.\"Hour \"\"h\""`],
    ] as const)
      await expect(compress(database.db, name, {before: '2024-01-04T00:00:00Z'})).rejects.toMatchObject({
        code: 'NO_COMPRESSION',
        suggestions: [`Declare ${key}.compression ${then}`],
      })
  })

  it('refuses a table without compression and a role without privileges before anything is changed', async () => {
    const database = await engine.database()
    await tenDays(
      database,
      "create table plain (time timestamptz not null); select create_hypertable('plain', 'time');",
    )
    await expect(compress(database.db, 'plain', {before: '2024-01-04T00:00:00Z'})).rejects.toMatchObject({
      code: 'NO_COMPRESSION',
      exitCode: 2,
    })
    const role = `nobody_${Math.random().toString(36).slice(2)}`
    await database.run(`create role ${role}`)
    const as = {
      ...database.db,
      server: database.db.server,
      target: {...database.target, role},
      query: database.db.query,
      transaction: database.db.transaction,
    } as typeof database.db
    await expect(compress(as, 'm', {before: '2024-01-04T00:00:00Z'})).rejects.toMatchObject({
      code: 'NO_PRIVILEGE',
      exitCode: 1,
    })
    await database.run(`drop role ${role}`)
  })

  it('prints a script that the server runs with the same result', async () => {
    const database = await engine.database()
    await tenDays(database)
    const {plan} = await compress(database.db, 'm', {before: '2024-01-03T00:00:00Z'})
    await database.run(statement(toScript(plan, quick).replaceAll(/^(begin|commit);$/gm, '')))
    expect((await statuses(database)).slice(0, 3)).toEqual([1, 1, 0])
  })

  it('works if the extension is in another schema, and with quoted names', async (context) => {
    if (!engine.native) context.skip('the embedded engine has one database, with the extension in public')
    const database = await engine.database({timescaledb: {schema: 'Extra schema'}})
    await database.run(`set local search_path = public, "Extra schema"; create schema "Desk B"; create table "Desk B"."Ticks ""x""" (time timestamptz not null, v int);
select create_hypertable('"Desk B"."Ticks ""x"""', 'time', associated_schema_name => 'Desk B', associated_table_prefix => 'Ch"unk');
insert into "Desk B"."Ticks ""x""" values ('2024-01-01+00', 1); alter table "Desk B"."Ticks ""x""" set (timescaledb.compress)`)
    const {plan} = await compress(database.db, '"Desk B"."Ticks ""x"""', {before: '2025-01-01T00:00:00Z'})
    expect(stepResults(await run(database.db, plan)).map((line) => line.replace(/.*: /, ''))).toEqual(['done'])
    const back = await decompress(database.db, '"Desk B"."Ticks ""x"""', '2024-01-01', '2024-01-02')
    expect(stepResults(await run(database.db, back.plan)).map((line) => line.replace(/.*: /, ''))).toEqual(['done'])
  })

  it('compresses integer time by its configured unit', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (ms bigint not null, v int); select create_hypertable('ticks', 'ms', chunk_time_interval => 86400000);
insert into ticks select extract(epoch from t)::bigint * 1000, 1 from generate_series('2024-01-01+00'::timestamptz, '2024-01-05+00', '6 hours') t;
alter table ticks set (timescaledb.compress, timescaledb.compress_orderby = 'ms desc')`)
    await expect(compress(database.db, 'public.ticks', {before: '2024-01-03T00:00:00Z'})).rejects.toMatchObject({
      code: 'NO_CLOCK',
      exitCode: 2,
    })
    const {plan} = await compress(database.db, 'public.ticks', {before: '2024-01-03T00:00:00Z'}, {unit: 'ms'})
    await run(database.db, plan)
    expect(await statuses(database, 'ticks')).toEqual([1, 1, 0, 0, 0])
  })

  it('decompresses every chunk that a range touches, and names the policy that will compress them again', async () => {
    const database = await engine.database()
    await tenDays(database, "select add_compression_policy('m', interval '30 days', initial_start => '2100-01-01');")
    await run(database.db, (await compress(database.db, 'm', {before: '2024-01-06T00:00:00Z'})).plan)
    const names = await chunkNames(database)
    const {plan, notes} = await decompress(database.db, 'm', '2024-01-02T12:00:00Z', '2024-01-04T00:00:00Z')
    expect(plan.steps.map(({id, class: kind}) => [id, kind])).toEqual([
      [`decompress ${names[1]}`, 'undo'],
      [`decompress ${names[2]}`, 'undo'],
    ])
    expect(notes.join('\n')).toMatch(
      /2 chunks of these will be compressed again by the policy of TimescaleDB's job \d+ \(30 days\).* To pause it: select "public"\."alter_job"\(\d+, scheduled => false\)/,
    )
    await run(database.db, plan)
    expect((await statuses(database)).slice(0, 5)).toEqual([1, 0, 0, 1, 1])
    expect((await decompress(database.db, 'm', '2024-01-02T12:00:00Z', '2024-01-04T00:00:00Z')).plan.steps).toEqual([])
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('with two workers, merges the same chunks as TimescaleDB does one after the other', async () => {
    const database = await engine.database()
    const ranges = (table: string) =>
      database.run(
        `select range_start::text, range_end::text, is_compressed from timescaledb_information.chunks
        where hypertable_name = '${table}' order by 1`,
      )
    for (const table of ['m', 'other'])
      await database.run(`create table ${table} (time timestamptz not null, dev int not null);
select create_hypertable('${table}', 'time', chunk_time_interval => interval '1 hour');
alter table ${table} set (timescaledb.compress, timescaledb.compress_segmentby = 'dev', timescaledb.compress_orderby = 'time',
  timescaledb.compress_chunk_time_interval = '3 hours');
insert into ${table} select t, 1 from generate_series('2024-01-01 01:00+00'::timestamptz, '2024-01-01 12:59+00', '1 min') t`)
    await database.run(`do $$ declare chunk regclass; begin
  for chunk in select format('%I.%I', chunk_schema, chunk_name)::regclass from timescaledb_information.chunks
    where hypertable_name = 'other' order by range_start
  loop perform compress_chunk(chunk); end loop; end $$`)

    const {plan} = await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})
    expect(plan.steps.map(({after = []}) => after.length)).toEqual([0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1])
    const {steps} = await run(database.db, plan, 2)
    expect(steps.map(({status}) => status)).toEqual(Array.from({length: 12}, () => 'done'))
    expect(await ranges('m')).toEqual(await ranges('other'))
    expect(await ranges('m')).toHaveLength(4)
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 720}])
    expect((await compress(database.db, 'm', {before: '2024-01-02T00:00:00Z'})).plan.steps).toEqual([])
  })

  it('is not blocked by a long reader: copied rows are deleted if they cannot be truncated', async () => {
    const database = await engine.database()
    await tenDays(database)
    const reader = await connect(database.target, {applicationName: 'a-long-reader'})
    let free = () => {}
    const held = reader.transaction({readOnly: true, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement('select count(*) from _timescaledb_internal._hyper_1_1_chunk'))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(
          statement(
            "select from pg_locks l join pg_stat_activity a using (pid) where a.application_name = 'a-long-reader' and l.relation = '_timescaledb_internal._hyper_1_1_chunk'::regclass",
          ),
        ),
      )
      .toHaveLength(1)
    const {plan} = await compress(database.db, 'm', {before: '2024-01-04T00:00:00Z'})
    const ends: string[] = []
    const report = await execute(database.db, plan, {
      limits: {...quick, retryBudget: 20_000},
      ledger: null,
      onProgress: (progress: Progress) => {
        if (progress.event !== 'end') return
        ends.push(progress.step.id)
        if (ends.length === 2) free()
      },
    })
    await held
    await reader.close()
    expect(report.steps.map(({status}) => status)).toEqual(['done', 'done', 'done'])
    // A chunk that has to wait does not hold up the others.
    if (!database.db.server.truncatesOrDeletes) expect(ends.at(-1)).toBe('compress _hyper_1_1_chunk')
    expect((await statuses(database)).slice(0, 3)).toEqual([1, 1, 1])
  })

  it('waits for a writer only on its chunk, and compresses the others meanwhile', async () => {
    const database = await engine.database()
    await tenDays(database)
    const writer = await connect(database.target, {applicationName: 'a-long-writer'})
    let free = () => {}
    const held = writer.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement("insert into public.m values ('2024-01-01 12:34+00', 1, 1)"))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(
          statement(
            "select from pg_locks l join pg_stat_activity a using (pid) where a.application_name = 'a-long-writer' and l.relation = '_timescaledb_internal._hyper_1_1_chunk'::regclass and l.mode = 'RowExclusiveLock'",
          ),
        ),
      )
      .toHaveLength(1)
    const {plan} = await compress(database.db, 'm', {before: '2024-01-04T00:00:00Z'})
    const order: string[] = []
    const report = await execute(database.db, plan, {
      limits: quick,
      ledger: null,
      onProgress: (progress: Progress) => {
        order.push(`${progress.event} ${progress.step.id}${progress.event === 'wait' ? `: ${progress.reason}` : ''}`)
        if (progress.event === 'end' && progress.step.id.endsWith('_3_chunk')) free()
      },
    })
    await held
    await writer.close()
    expect(report.steps.map(({status}) => status)).toEqual(['done', 'done', 'done'])
    expect(order.filter((line) => line.startsWith('end')).at(-1)).toBe('end compress _hyper_1_1_chunk')
    expect(order.find((line) => line.startsWith('wait'))).toMatch(
      /wait compress _hyper_1_1_chunk: pid \d+ \(.*a-long-writer\)/,
    )
  })

  it("loses a race with the policy's own job without an error", async () => {
    const database = await engine.database()
    await tenDays(database)
    const [{job}] = (await database.run<{job: number}>(
      "select add_compression_policy('m', interval '30 days', initial_start => '2100-01-01') as job",
    )) as [{job: number}]
    const {plan} = await compress(database.db, 'm', {before: '2024-01-11T00:00:00Z'})
    const policy = await connect(database.target, {applicationName: 'policy'})
    const [report] = await Promise.all([
      run(database.db, plan, 2),
      policy
        .autocommit(
          {readOnly: false, lockTimeout: 0, statementTimeout: 0, searchPath: 'public'},
          statement(`call run_job(${job})`),
        )
        .catch(() => {}),
    ])
    await policy.close()
    expect(report.steps.filter(({status}) => status === 'failed').map(({error}) => error)).toEqual([])
    expect(await statuses(database)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 2880}])
  })

  it('continues after its backend was killed, in the same run and in the next', async () => {
    const database = await engine.database()
    await tenDays(
      database,
      "insert into m select t, d, random() from generate_series('2024-01-01+00'::timestamptz, '2024-01-02+00', '1 s') t, generate_series(3, 4) d;",
    )
    const mine = await connect(database.target, {applicationName: 'victim'})
    const {plan} = await compress(mine, 'm', {before: '2024-01-03T00:00:00Z'})
    const kill = statement(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and query like '%compress_chunk%' and pid <> pg_backend_pid() and state = 'active'",
    )
    let kills = 0
    let over = false
    const running = execute(mine, plan, {limits: quick, ledger: null}).finally(() => (over = true))
    while (kills === 0 && !over) kills += (await database.db.query(kill)).length
    const report = await running
    await mine.close()
    expect(kills).toBe(1)
    expect(report.steps.map(({status}) => status)).toEqual(['done', 'done'])
    expect((await statuses(database)).slice(0, 3)).toEqual([1, 1, 0])
    expect((await compress(database.db, 'm', {before: '2024-01-03T00:00:00Z'})).plan.steps).toEqual([])
  })
})

forEachEngine({kinds: ['apache']}, (engine) => {
  it('reports that this edition cannot compress', async () => {
    const database = await engine.database()
    await tenDays(database)
    await expect(compress(database.db, 'm', {before: '2024-01-04T00:00:00Z'})).rejects.toMatchObject({
      code: 'NO_COMPRESSION',
      exitCode: 2,
      message: expect.stringContaining('community edition only'),
    })
  })
})
