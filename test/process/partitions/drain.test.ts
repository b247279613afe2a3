import {expect, it} from 'vitest'
import {forEachEngine} from '../../helpers/engines.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {monthsAhead} from '../../helpers/clock.js'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('partitions drain shows its steps, asks, moves the rows, and names the rows that stay', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (time timestamptz not null, x int) partition by range (time); create table rest partition of ticks default;
insert into ticks values ('2024-01-05+00', 1), ('2024-02-05+00', 2), ('2097-01-01+00', 3)`)
    const cwd = temporaryDirectory()
    const drain = (...more: string[]) => runCli(['partitions', 'drain', 'ticks', '--url', database.url, ...more], {cwd})
    const dry = await drain('--dry-run')
    expectExit(dry, 0)
    expect(dry.stdout).toContain('attach partition "public"."ticks_y2024m01"')
    expect(dry.stderr.replaceAll(/\s+/g, ' ')).toContain(
      'public.rest keeps 1 row further ahead than partitions.within allows (2097-01-01 00:00:00+00)',
    )
    expectExit(await drain(), 7)
    expect(await database.run('select count(*)::int as n from only rest')).toEqual([{n: 3}])
    const done = await drain('--yes', '--json')
    expectExit(done, 0)
    const report = JSON.parse(done.stdout) as {
      steps: {id: string; status: string}[]
      nonsense: {rows: number; kind: string}[]
    }
    expect(report.steps.filter(({id}) => id.startsWith('drain')).map(({status}) => status)).toEqual(['done', 'done'])
    expect(report.nonsense).toMatchObject([{kind: 'too late', rows: 1}])
    expect(await database.run('select count(*)::int as n from only rest')).toEqual([{n: 1}])
    const again = JSON.parse((await drain('--yes', '--json')).stdout) as {steps: unknown[]}
    expect(again.steps).toEqual([])
  })

  it('partitions list says from when on rows go to the default partition', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (time timestamptz not null) partition by range (time); create table rest partition of ticks default;
create table now partition of ticks for values from (${monthsAhead(0)}) to (${monthsAhead(1)})`)
    const [{next}] = (await database.run<{next: string}>(
      `select to_char(${monthsAhead(1)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as next`,
    )) as [{next: string}]
    const {stdout} = await runCli(['partitions', 'list', '--url', database.url, '--json'], {cwd: temporaryDirectory()})
    expect(JSON.parse(stdout)).toMatchObject({tables: [{defaultFrom: next, insertsUntil: null}]})
  })
})
