import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {lockDirectory} from '../../../src/db/embedded-directory.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {takeRunLock} from '../../../src/run/run-lock.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'
import {targetOf} from '../../helpers/server.js'
import {start} from '../../helpers/started.js'

const writing = {readOnly: false, lockTimeout: 1_000, statementTimeout: 0}
const waits = (stderr: string) => stderr.match(/^Waiting up to .*$/gm) ?? []

async function holderAfter(url: string, before: string): Promise<Database> {
  await runCli([...before.split(' '), '--url', url])
  return connect(targetOf(url), {applicationName: 'qicore-db/holder'})
}

// One server: the behaviour is the same on all of them.
forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  const parts = () =>
    engine.urlFor(({run}) => run('create table public.parts (time timestamptz not null) partition by range (time)'))

  it('--wait waits for the run that holds the lock, names it once, and then does the work', async () => {
    const url = await parts()
    const holder = await holderAfter(url, 'partitions create parts --from 2024-01 --to 2024-01')
    const [{name} = {name: ''}] = await holder.query<{name: string}>(statement('select name from qicore.run_lock'))
    const lock = await takeRunLock(holder, [name], 'somebody@elsewhere, a long run')
    const next = ['partitions', 'create', 'parts', '--from', '2024-02', '--to', '2024-02', '--url', url]

    const refused = await runCli([...next, '--json'])
    expectExit(refused, 5)
    expect(jsonOf(refused)).toMatchObject({error: {code: 'LOCKED', retryable: true}})
    expect(waits(refused.stderr)).toEqual([])

    const began = performance.now()
    const inVain = await runCli([...next, '--wait', '1s'], {columns: 200})
    expectExit(inVain, 5)
    expect(performance.now() - began).toBeGreaterThan(1_000)
    expect(waits(inVain.stderr)).toEqual([
      expect.stringMatching(/^Waiting up to 1 second: Another run works on .*somebody@elsewhere, a long run, since/),
    ])

    const waiting = start([...next, '--wait', '1min'])
    await waiting.says('Waiting up to 1 minute: Another run works on')
    await lock.release()
    const {exitCode, stderr} = await waiting.ended
    expect(exitCode, stderr).toBe(0)
    expect(waits(stderr)).toHaveLength(1)
    expect(await holder.query(statement("select to_regclass('public.parts_y2024m02') is not null as made"))).toEqual([
      {made: true},
    ])
    await holder.close()
  })

  it('--wait waits for the session whose lock blocks a query, without a second heading', async () => {
    const url = await engine.urlFor(({run}) =>
      run(`create table public.crypto_prices (id bigint, time timestamptz, coin_id text, symbol text, name text,
        exchange_id text, usd_price numeric)`),
    )
    const latest = ['prices', 'latest', '--url', url]
    const holder = await connect(targetOf(url), {applicationName: 'test'})
    const waiting = await holder.transaction(writing, async (tx) => {
      await tx.query(statement('lock table public.crypto_prices in access exclusive mode'))
      expectExit(await runCli([...latest, '--json']), 5)
      const started = start([...latest, '--wait', '1min'])
      await started.says('Waiting up to 1 minute')
      return [started]
    })
    const {exitCode, stderr} = await waiting[0]!.ended
    expect(exitCode, stderr).toBe(0)
    expect(waits(stderr)).toEqual([expect.stringMatching(/holds AccessExclusiveLock on public\.crypto_prices/)])
    expect(stderr.match(/ \(--url\) as /g), 'one heading').toHaveLength(1)
    await holder.close()
  })

  it('a change that other sessions block exits with 5 if no step was done, with 6 if some were', async () => {
    const url = await parts()
    const change = (...words: string[]) => runCli(['partitions', ...words, '--url', url])
    const briefly = ['--lock-timeout', '100ms', '--wait', '300ms']
    expectExit(await change('create', 'parts', '--from', '2024-01', '--to', '2024-03'), 0)
    const holder = await connect(targetOf(url), {applicationName: 'nightly report'})
    await holder.transaction(writing, async (tx) => {
      await tx.query(statement('lock table public.parts_y2024m02 in access exclusive mode'))
      const drop = ['drop', 'parts', '--older-than', '1d', '--confirm', new URL(url).pathname.slice(1)]
      const partial = await change(...drop, ...briefly, '--json')
      expectExit(partial, 6)
      expect(jsonOf<{steps: object[]}>(partial).steps).toContainEqual(
        expect.objectContaining({status: 'failed', retryable: true, reason: {code: 'blocked'}}),
      )
      await tx.query(statement('lock table public.parts in access exclusive mode'))
      const create = ['create', 'parts', '--from', '2024-04', '--to', '2024-04', ...briefly]
      const blocked = await change(...create)
      expectExit(blocked, 5)
      expect(blocked.stdout).toContain('nightly report')
      expect(blocked.stderr).toMatch(/Nothing was done: other sessions hold the locks.*--wait/)
      expectExit(await change(...create, '--json'), 5)
    })
    expectExit(await change('create', 'parts', '--from', '2024-04', '--to', '2024-04'), 0)
    await holder.close()
  })

  it('--wait waits for a job that is already running', async () => {
    const url = await engine.urlFor(async () => {})
    const job = 'nap: {kind: sql, schedule: "@daily", statement: "select pg_advisory_lock(4711)"}'
    const cwd = directoryWith({'qicore-db.config.yaml': `version: 1\njobs:\n  ${job}\n`})
    expectExit(await runCli(['migrate', 'up', '--stream', 'core', '--url', url], {cwd}), 0)
    const holder = await connect(targetOf(url), {applicationName: 'test'})
    const [first, second] = await holder.transaction(writing, async (tx) => {
      await tx.query(statement('select pg_advisory_xact_lock(4711)'))
      const running = start(['jobs', 'run', 'nap', '--url', url], cwd)
      const blocked = statement("select from pg_locks where locktype = 'advisory' and not granted")
      await expect.poll(() => tx.query(blocked), {timeout: 30_000}).not.toEqual([])
      const waiting = start(['jobs', 'run', 'nap', '--url', url, '--wait', '1min'], cwd)
      await waiting.says('Waiting up to 1 minute')
      return [running, waiting]
    })
    expect((await first!.ended).exitCode).toBe(0)
    const {exitCode, stderr} = await second!.ended
    expect(exitCode, stderr).toBe(0)
    expect(waits(stderr)).toEqual([expect.stringMatching(/nap is already running, claimed by/)])
    await holder.close()
  })
})

it('--wait waits for the process that has the embedded database open', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'PG_VERSION'), '17\n')
  const unlock = await lockDirectory(directory, {command: 'a test'})
  const stats = ['stats', '--url', `embedded:${directory}`]
  const refused = await runCli([...stats, '--json'])
  expectExit(refused, 5)
  expect(jsonOf(refused)).toMatchObject({error: {code: 'IN_USE', retryable: true}})
  const waiting = start([...stats, '--wait', '30s'])
  await waiting.says(`is in use by process ${process.pid} (a test)`)
  unlock()
  const {exitCode, stderr} = await waiting.ended
  expect(waits(stderr)).toHaveLength(1)
  // The command continued: these files are not a database.
  expect(exitCode).toBe(4)
})
