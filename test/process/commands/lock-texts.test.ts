import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {targetOf} from '../../helpers/server.js'
import {start} from '../../helpers/started.js'

const settings = {readOnly: false, lockTimeout: 0, statementTimeout: 0}
const prices = `create table public.crypto_prices (id bigint, time timestamptz, coin_id text, symbol text, name text,
  exchange_id text, usd_price numeric)`
const parts = `create table public.parts (time timestamptz not null) partition by range (time);
  create table public.parts_old partition of public.parts for values from ('2024-01-01Z') to ('2024-02-01Z')`

forEachEngine({native: true}, (engine) => {
  it('a lock error names the session, its lock and table, since when, its state and statement, and what to do next', async () => {
    const url = await engine.urlFor(async ({run}) => void (await run(`${prices}; ${parts}`)))
    const run = (...args: string[]) => runCli([...args, '--lock-timeout', '200ms', '--url', url], {columns: 1000})
    expectExit(await run('migrate', 'up', '--stream', 'core', '--yes'), 0)
    const other = await connect(targetOf(url), {applicationName: 'psql of mira'})
    const [changed] = await other.transaction(settings, async (tx) => {
      const [row] = await tx.query<{pid: number}>(statement('select pg_backend_pid() as pid'))
      const lock = 'lock table public.parts, public.parts_old, public.crypto_prices in access exclusive mode'
      await tx.query(statement(lock))
      const who = (tables: string) =>
        new RegExp(
          `pid ${row!.pid} \\(postgres, psql of mira\\) holds AccessExclusiveLock on ${tables} for \\d+ s, idle in transaction: ${lock.slice(0, 40)}`,
        )

      const report = await run('prices', 'latest')
      expectExit(report, 5)
      expect(report.stderr.replace(/\s+/g, ' ')).toMatch(
        who('(public\\.)?crypto_prices, (public\\.)?parts, (public\\.)?parts_old'),
      )
      expect(report.stderr).toMatch(/Code: LOCKED\nTry this: .*--wait 10min/)
      const waited = await run('prices', 'latest', '--wait', '1s', '--json')
      expectExit(waited, 5)
      expect(waited.stderr).toMatch(/^Waiting up to 1 second: Cannot run prices latest: .*psql of mira/m)
      expect(jsonOf(waited)).toMatchObject({error: {code: 'LOCKED', retryable: true}})

      const change = start(['partitions', 'create', 'parts', '--from', '2024-02', '--to', '2024-02', '--url', url])
      await change.says(`create public.parts_y2024m02 waits `)
      return [change]
    })
    const {exitCode, stderr} = await changed!.ended
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toMatch(
      /parts_y2024m02 waits \S+: pid \d+ \(postgres, psql of mira\) holds AccessExclusiveLock on (public\.)?parts for \d+ s, idle in transaction: lock table/,
    )
    await other.close()
  })
})
