import pg from 'pg'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {readOnlySettings, type Database, type Target} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {enginesFor, skipBecause, type Engine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const engine = enginesFor({native: true})[0]
const reason = noPgbouncer() ?? (engine === undefined ? 'there is no native server' : null)
if (reason !== null) skipBecause(`transaction pooler: ${reason}`)
else tests(engine!)

function tests(native: Engine): void {
  let pooler: {port: number; stop(): Promise<void>}
  let through: Target
  let straight: string
  let db: Database

  beforeAll(async () => {
    const {url} = await native.database()
    straight = url
    const {hostname, port, pathname} = new URL(url)
    pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)})
    through = targetOf(`postgres://postgres@127.0.0.1:${pooler.port}${pathname}`)
    db = await connect(through, {applicationName})
  })
  afterAll(async () => {
    await db?.close()
    await pooler?.stop()
  })

  /** The state that the next client of the pooler finds on the one server connection. */
  async function left(): Promise<unknown> {
    const client = new pg.Client({connectionString: through.url})
    await client.connect()
    const {rows} = await client.query(
      "select name, setting from pg_settings where name in ('lock_timeout', 'statement_timeout', 'search_path', 'TimeZone', 'role', 'default_transaction_read_only', 'jit') order by name",
    )
    const locks = await client.query("select count(*)::int as held from pg_locks where locktype = 'advisory'")
    await client.end()
    return [rows, locks.rows]
  }

  it('is detected, and not mistaken for the server', async () => {
    expect(db.server.pooled).toBe(true)
    const direct = await connect(targetOf(straight), {applicationName})
    expect(direct.server.pooled).toBe(false)
    await direct.close()
  })

  it('keeps no setting, no role and no lock of a client', async () => {
    const before = await left()
    await db.query(statement('select 1'))
    await db.transaction({...readOnlySettings, lockTimeout: 3_000, role: 'pg_monitor'}, (tx) =>
      tx.query(statement('select pg_advisory_xact_lock(1)')),
    )
    await db.transaction(writing, (tx) => tx.query(statement('select 1 / 0'))).catch(() => {})
    expect(await left()).toEqual(before)
  })

  it('gives each of many clients its own results, failures included', async () => {
    const crowd = await Promise.all(Array.from({length: 8}, () => connect(through, {applicationName})))
    const said = await Promise.all(
      crowd.map(async (one, me) => {
        const answers: unknown[] = []
        for (let turn = 0; turn < 40; turn += 1) {
          const [ask, settings] = [
            statement('select $1::int as me, 10 / ($2::int % 3) as part', [me * 1_000 + turn, turn]),
            turn % 5 === 0 ? {...readOnlySettings, role: 'no such role'} : readOnlySettings,
          ]
          answers.push(
            await one.query<{me: number}>(ask, settings).then(
              ([row]) => row!.me,
              (error: Error) => error.message,
            ),
          )
        }
        return answers
      }),
    )
    await Promise.all(crowd.map((one) => one.close()))
    const expected = (me: number, turn: number) => {
      if (turn % 5 === 0) return 'The target\'s role cannot be used: role "no such role" does not exist [22023]'
      return turn % 3 === 0 ? 'division by zero' : me * 1_000 + turn
    }
    expect(said).toEqual(crowd.map((_, me) => Array.from({length: 40}, (_, turn) => expected(me, turn))))
  })

  it('a change that needs a session of its own is refused before it begins; its dry run is not', async () => {
    await db.query(statement('select 1'))
    await db.transaction(writing, async (tx) => {
      await tx.query(statement('create table public.old (time timestamptz not null) partition by range (time)'))
      for (const [name, from, to] of [
        ['old_2020', '2020-01-01Z', '2021-01-01Z'],
        ['old_2090', '2090-01-01Z', '2091-01-01Z'],
      ])
        await tx.query(
          statement(`create table public.${name} partition of public.old for values from ('${from}') to ('${to}')`),
        )
    })
    const detach = (...more: string[]) =>
      runCli(['partitions', 'detach', 'old', '--older-than', '24mon', '--url', through.url, '--json', ...more])
    const refused = await detach('--yes')
    expectExit(refused, 2)
    expect(JSON.parse(refused.stdout)).toMatchObject({error: {code: 'POOLER'}})
    expect(await db.query(statement("select to_regnamespace('qicore') as schema"))).toEqual([{schema: null}])
    expectExit(await detach('--dry-run'), 0)
  })

  it('is bypassed with directUrl if a statement needs a session of its own; without it that is an error', async () => {
    const alone = statement('vacuum pg_catalog.pg_class')
    await expect(db.autocommit(writing, alone)).rejects.toMatchObject({code: 'POOLER', exitCode: 2})
    const withDirect = await connect({...through, directUrl: straight}, {applicationName})
    await withDirect.autocommit(writing, alone)
    await withDirect.close()
    const inCircles = await connect({...through, directUrl: through.url}, {applicationName})
    await expect(inCircles.autocommit(writing, alone)).rejects.toMatchObject({code: 'POOLER', exitCode: 2})
    await inCircles.close()
  })
}
