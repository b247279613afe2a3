import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {sqlDirectory} from '../../../src/db/load-sql.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {enginesFor, forEachEngine, skipBecause, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'

interface Report {
  steps: {id: string; status: string; class?: string}[]
  findings: {id: string; refuses: boolean}[]
  policies: {
    table: string
    kind: string
    ok: boolean | null
    due: number | null
    notDone: {why: string}[]
    gated: boolean
  }[]
  error: {code: string; message: string}
}

// A dozen runs of the binary, each of which would start a database on the embedded engine.
const timeout = 600_000

/** A database with policies, in a directory whose configuration differs from them. */
async function handMade({run, autocommit}: TestDatabase, owner?: string): Promise<void> {
  await run('create table public.ticks (time timestamptz not null, symbol text, price float8)')
  await run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  await run(
    `insert into public.ticks select at, 'A', 1 from generate_series(${daysAgo(20)}, ${today}, interval '1 hour') as at`,
  )
  await autocommit(
    "create materialized view public.hourly with (timescaledb.continuous) as select time_bucket(interval '1 hour', time) as bucket, avg(price) as price from public.ticks group by 1 with no data",
  )
  await run(
    "alter table public.ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'time desc')",
  )
  // Up to 2.25 a job keeps the owner that its table had when it was created.
  if (owner !== undefined)
    await run(
      `grant create, usage on schema public to ${owner}; alter table public.ticks owner to ${owner}; alter materialized view public.hourly owner to ${owner}`,
    )
  await run("select alter_job(add_compression_policy('public.ticks', interval '60 days'), scheduled => false)")
  await run(
    "select add_continuous_aggregate_policy('public.hourly', interval '10 days', interval '1 hour', interval '30 minutes')",
  )
}

const config = (url: string, more = '') => `version: 1
default: prod
targets:
  prod: { url: "${url}"${more} }
tables:
  # a comment that stays
  public.ticks:
    compression: { after: 7 days, segmentBy: [symbol], orderBy: [time desc] }
    retention: { after: 15 days }
aggregates:
  public.hourly: { refresh: { startOffset: 3 days, endOffset: 1 hour, every: 1 hour } }
`

function directoryWith(text: string): string {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'qicore-db.config.yaml'), text)
  return cwd
}

/** plan, refusal, saved plan, apply, empty plan, import, status: as a new operator of such a database would. */
async function walk(cwd: string, env: Record<string, string> = {}): Promise<void> {
  const cli = (...args: string[]) => runCli(args, {cwd, env, timeout: 120_000})
  const json = async (...args: string[]) => jsonOf<Report>(await cli(...args, '--json'))
  const plan = await cli('policies', 'plan', '--out', 'plan.json')
  expectExit(plan, 0)
  expect(plan.stdout).toContain('compression policy of public.ticks')
  const refused = await cli('policies', 'apply', '--yes', '--json')
  expectExit(refused, 7)
  expect(jsonOf<Report>(refused).error.code).toBe('NOT_CONFIRMED')
  expect(refused.stderr, 'the plan, also where there is no terminal').toContain('compression policy of public.ticks')
  const dry = await json('policies', 'apply', '--dry-run')
  expect(
    dry.steps.filter(({id}) => !id.startsWith('migrate')).map(({status, class: kind}) => `${status} ${kind}`),
  ).toEqual(['planned undo', 'planned undo', 'planned loss'])
  const applied = await cli('policies', 'apply', 'plan.json', '--confirm', 'prod', '--json')
  expectExit(applied, 0)
  expect(jsonOf<Report>(applied).steps.filter(({status}) => status !== 'done')).toEqual([])
  expect((await json('policies', 'plan', '--check')).steps).toEqual([])
  const stale = await cli('policies', 'apply', 'plan.json', '--confirm', 'prod', '--json')
  expectExit(stale, 7)
  expect(jsonOf<Report>(stale).error.code).toBe('PLAN_STALE')
  const before = readFileSync(join(cwd, 'qicore-db.config.yaml'), 'utf8')
  expectExit(await cli('policies', 'import', '--write'), 0)
  // Everything but the chunk interval was declared already.
  expect(
    readFileSync(join(cwd, 'qicore-db.config.yaml'), 'utf8')
      .replace(/\n +chunkInterval: 1 day/, '')
      .replaceAll(' ]', ']')
      .replaceAll('[ ', '['),
  ).toBe(before)
  expect((await json('policies', 'plan')).steps).toEqual([])
}

describe('policies, used by a new operator', () => {
  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it(
      'that were created by hand are brought to an empty plan and a correct status',
      async () => {
        const url = await engine.urlFor((database) => handMade(database))
        const cwd = directoryWith(config(url))
        await walk(cwd)
        const status = await runCli(['policies', 'status', '--json'], {cwd})
        expectExit(status, 3)
        const {policies} = jsonOf<Report>(status)
        const retention = policies.find(({kind}) => kind === 'retention')!
        expect(retention).toMatchObject({gated: true, ok: false})
        expect(retention.notDone[0]!.why).toMatch(/public\.hourly has not covered/)
        expectExit(await runCli(['policies', 'status', '--fail-on', 'never'], {cwd}), 0)
      },
      timeout,
    )

    it(
      'that conflict are refused until each finding is accepted by name',
      async () => {
        const url = await engine.urlFor((database) => handMade(database))
        const cwd = directoryWith(config(url).replace('after: 7 days,', 'after: 2 days,'))
        const saved = await runCli(['policies', 'plan', '--out', 'refused.json'], {cwd})
        expectExit(saved, 3)
        expect(saved.stderr).toContain('It cannot be applied as it is')
        expect(saved.stdout + saved.stderr).not.toContain('policies apply refused.json')
        const refused = await runCli(['policies', 'apply', '--confirm', 'prod', '--json'], {cwd})
        expectExit(refused, 7)
        expect(jsonOf<Report>(refused).error.code).toBe('UNSAFE_PLAN')
        const {stderr} = await runCli(['policies', 'apply', '--confirm', 'prod'], {cwd})
        const named = [...stderr.matchAll(/ \[([a-z-]+:\S+)\]/g)].map(([, id]) => id)
        expect(named.length).toBeGreaterThan(0)
        expect(named, 'each finding is printed once').toEqual([...new Set(named)])
        for (const args of [
          ['apply'],
          ['remove', 'compression', 'public.hourly'],
          ['set', 'compression', 'public.hourly', '--after', '9d'],
        ]) {
          const mistyped = await runCli(['policies', ...args, '--dry-run', '--accept', 'nosuch', '--json'], {cwd})
          expectExit(mistyped, 2)
          expect(jsonOf<Report>(mistyped).error.code).toBe('NO_SUCH_FINDING')
        }
        expectExit(
          await runCli(
            ['policies', 'apply', '--confirm', 'prod', '--accept', 'compressed-under-refresh:public.hourly'],
            {cwd},
          ),
          0,
        )
      },
      timeout,
    )
  })

  forEachEngine({}, (engine) => {
    let empty: Promise<string> | null = null
    it.each([
      [['policies', 'set', 'compression', 'nowhere', '--after', '7d'], 'NO_SUCH_TABLE'],
      [['policies', 'set', 'retention', 'nowhere', '--after', '7 dogs'], 'DURATION'],
      [['policies', 'set', 'retention', 'nowhere', '--after', '6m'], 'DURATION'],
      [['policies', 'set', 'retention', 'nowhere', '--after', '7'], 'DURATION'],
      [['policies', 'set', 'retention', 'nowhere', '--after', '0d'], 'DURATION'],
      [['policies', 'set', 'retention', 'nowhere', '--after', '1mon 3h'], 'DURATION'],
      [['policies', 'remove', 'retention', 'nowhere'], 'NO_SUCH_TABLE'],
      [['policies', 'status', 'nowhere'], 'NO_SUCH_TABLE'],
      [['policies', 'apply', 'nowhere.json'], 'NOT_A_PLAN'],
      [['policies', 'import', '--write'], 'CONFIG'],
    ])(
      '%j is a usage error before anything is changed',
      async (args, code) => {
        const url = await (empty ??= engine.urlFor(async ({run}) => run('select 1')))
        const result = await runCli([...args, '--url', url, '--json'])
        expectExit(result, 2)
        expect(jsonOf<Report>(result).error.code).toBe(code)
      },
      timeout,
    )
  })

  const native = enginesFor({kinds: ['timescaledb'], native: true})
  const reason = noPgbouncer() ?? (native.length === 0 ? 'there is no native TimescaleDB' : null)
  if (reason !== null) skipBecause(`policies through a pooler and as a role with grants only: ${reason}`)
  for (const engine of reason === null ? native.slice(0, 1) : []) {
    it(
      `work through PgBouncer in transaction mode, on ${engine.name}`,
      async () => {
        const url = await engine.urlFor((database) => handMade(database))
        const {hostname, port, pathname} = new URL(url)
        const pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)})
        try {
          await walk(directoryWith(config(`postgres://postgres@127.0.0.1:${pooler.port}${pathname}`)))
        } finally {
          await pooler.stop()
        }
      },
      timeout,
    )

    if (!existsSync(new URL('roles.sql', sqlDirectory)))
      skipBecause('policies as a role with grants only: there is no sql/roles.sql')
    else
      it(
        `work for a role with only the documented grants, on ${engine.name}`,
        async () => {
          const roles = readFileSync(new URL('roles.sql', sqlDirectory), 'utf8')
          const database = await engine.database()
          const {run, url} = database
          const suffix = new URL(url).pathname.slice(-20).replace(/\W/g, '_')
          const [owner, operator] = [`owner_${suffix}`, `operator_${suffix}`]
          await run(`create role ${owner} login; create role ${operator} login; grant ${owner} to ${operator}`)
          try {
            await handMade(database, owner)
            await run(roles)
            await run(`grant qicore_install to ${operator}`)
            const text = config(url.replace('postgres@', `${operator}@`))
            // The first change creates the schema qicore; then the roles get privileges on its objects.
            const cwd = directoryWith(text)
            expectExit(await runCli(['migrate', 'up', '--stream', 'core', '--yes'], {cwd}), 0)
            await run(roles)
            await walk(cwd)
          } finally {
            await run(
              `select delete_job(job_id) from timescaledb_information.jobs where owner::text in ('${owner}', '${operator}')`,
            )
            await run(
              `reassign owned by ${owner}, ${operator} to postgres; drop owned by ${owner}, ${operator}; drop role ${operator}; drop role ${owner}`,
            )
          }
        },
        timeout,
      )
  }
})
