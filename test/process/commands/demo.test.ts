import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {claimPlace, demoPlace} from '../../../src/qicore/demo/place.js'
import {browserIfAny, expectGoodPage} from '../../helpers/browser.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli as run, type CliOptions} from '../../helpers/cli.js'
import {skipBecause} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'

interface Report {
  rows: {prices: number; candles: number; analytics: number; quotes: number}
  candles: {total: number; loaded: number; newExchange: boolean} | null
  chapters: {title: string; done: number; skipped: number}[]
  stats: {tables: {table: string; totalBytes: number; chunks: number; compressedChunks: number; late: number}[]}
}

const timeout = 300_000
// The tests also open the database themselves, between two commands.
const runCli = (args: readonly string[], options: CliOptions = {}) => run(args, {...options, process: true})
const here = temporaryDirectory()
// The demo uses the embedded engine, whatever the environment names.
const env = {DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere', PGHOST: '127.0.0.1'}
const demo = (...args: string[]) => runCli(['demo', '--json', ...args], {cwd: here, env, timeout})

/** Queries the demo's database directly, with only the connection of this program. */
async function byHand<Row extends object>(text: string): Promise<Row[]> {
  const db = await connect(
    {name: null, url: `embedded:${join(here, '.qicore/db')}`, source: '--url', protected: false},
    {applicationName: 'test'},
  )
  try {
    return await db.query<Row>(statement(text))
  } finally {
    await db.close()
  }
}

describe('the demo', () => {
  let first: Report
  beforeAll(async () => {
    const result = await demo('--as-of', '2026-11-01T00:00:00Z')
    expectExit(result, 0)
    first = jsonOf<Report>(result)
  }, timeout)

  it('fills every table within its constraints, and writes a configuration for it', () => {
    const {prices, candles, analytics, quotes} = first.rows
    const series = 4 * 4
    expect(candles).toBe(series * (90 * 24 + 7 * 1440))
    expect(Math.min(prices, analytics, quotes)).toBeGreaterThan(10_000)
    expect(prices + candles + analytics + quotes).toBeLessThanOrEqual(400_000)
    expect(readFileSync(join(here, 'qicore-db.config.yaml'), 'utf8')).toContain('embedded:.qicore/db')
  })

  it(
    'leaves nothing to do: policies are created, aggregates refreshed, due chunks compressed',
    async () => {
      const tables = new Map(first.stats.tables.map((table) => [table.table, table]))
      for (const name of ['ohlcv_data', 'crypto_prices', 'market_analytics'])
        expect(tables.get(name)!.compressedChunks).toBeGreaterThan(0)
      const [covered] = await byHand<{hours: number; days: number}>(
        `select (select count(distinct bucket) from public.hourly_price_averages)::int as hours, (select count(distinct bucket) from public.daily_ohlcv_summary)::int as days`,
      )
      // The last price is at the instant itself, which opens an hour of its own.
      expect(covered!.hours).toBe(30 * 24 + 1)
      expect(covered!.days).toBe(90)
    },
    timeout,
  )

  it(
    'stats on the default target shows the same bytes as SQL by hand',
    async () => {
      const result = await runCli(['stats', '--json'], {cwd: here, timeout})
      expectExit(result, 0)
      const {tables} = jsonOf<Report['stats']>(result)
      const sizes = await byHand<{name: string; bytes: number}>(
        `select name, public.hypertable_size(('public.' || name)::regclass) as bytes
       from unnest(array['ohlcv_data', 'crypto_prices', 'market_analytics', 'level1_data', 'hourly_price_averages', 'daily_ohlcv_summary']) as name`,
      )
      expect(Object.fromEntries(tables.map(({table, totalBytes}) => [table, totalBytes]))).toEqual(
        Object.fromEntries(sizes.map(({name, bytes}) => [name, bytes])),
      )
    },
    timeout,
  )

  it(
    'report writes its page, with every part and the forecast for a disk, and the page is good in a browser',
    async (context) => {
      const result = await runCli(['report', '--html', 'demo.html', '--disk', '2TB'], {cwd: here, timeout})
      expectExit(result, 0)
      const page = readFileSync(join(here, 'demo.html'), 'utf8')
      for (const name of ['ohlcv_data', 'crypto_prices', 'market_analytics', 'level1_data'])
        expect(page).toContain(name)
      expect(page).toContain('Disk of 2.00 TB')
      const browser = await browserIfAny()
      if (typeof browser === 'string') return context.skip(browser)
      try {
        await expectGoodPage(browser, join(here, 'demo.html'))
      } finally {
        await browser.close()
      }
    },
    timeout,
  )

  it(
    'adds nothing when run again for the same instant, and only new rows for a later one',
    async () => {
      const again = await demo('--as-of', '2026-11-01T00:00:00Z')
      expectExit(again, 0)
      expect(jsonOf<Report>(again).rows).toEqual(first.rows)
      const later = await demo('--as-of', '2026-11-01T02:00:00Z')
      expectExit(later, 0)
      expect(jsonOf<Report>(later).rows.candles).toBe(first.rows.candles + 16 * (2 + 120))
    },
    timeout,
  )

  it(
    'refuses a candle that contradicts a stored one, names both, and loads nothing of the file',
    async () => {
      const file = join(here, 'wrong.csv')
      writeFileSync(
        file,
        'open_time,open,high,low,close,volume\n2026-10-01T00:00:00Z,1,1,1,1,1\n2001-01-01T00:00:00Z,1,1,1,1,1\n',
      )
      const result = await demo(
        '--candles',
        file,
        '--coin',
        'bitcoin',
        '--exchange',
        'binance',
        '--timeframe',
        '1h',
        '--as-of',
        '2026-11-01',
      )
      expectExit(result, 1)
      const {error} = jsonOf<{error: {code: string; message: string}}>(result)
      expect(error.code).toBe('CONTRADICTION')
      expect(error.message).toMatch(/wrong\.csv:2: .*\(1,1,1,1,1\) contradicts the stored one \(\d/)
      expect(await byHand("select from public.ohlcv_data where time < '2002-01-01'")).toEqual([])
    },
    timeout,
  )

  const data = join(root, '../shared/data')
  // One of them: a second file of the same format uses the same code.
  const files = existsSync(data)
    ? readdirSync(data)
        .filter((name) => name.endsWith('.csv.gz'))
        .slice(0, 1)
    : []
  if (files.length === 0) skipBecause('no real candles at ../shared/data')
  for (const name of files) {
    it(
      'loads ${name} completely, and nothing of it twice',
      async () => {
        const coin = name.split('_')[1]!
        const load = () =>
          demo(
            '--candles',
            join(data, name),
            '--coin',
            coin,
            '--exchange',
            'binance-us',
            '--timeframe',
            '1m',
            '--as-of',
            '2026-11-01',
          )
        const once = await load()
        expectExit(once, 0)
        expect(jsonOf<Report>(once).candles).toMatchObject({total: 30_240, loaded: 30_240})
        const twice = await load()
        expectExit(twice, 0)
        expect(jsonOf<Report>(twice).candles).toMatchObject({total: 30_240, loaded: 0, newExchange: false})
        expect(
          await byHand(
            `select count(*) as rows, count(distinct time) as times from public.ohlcv_data where coin_id = '${coin}'`,
          ),
        ).toEqual([{rows: 30_240, times: 30_240}])
      },
      timeout,
    )
  }

  it(
    'moves aside what an earlier version left incomplete, says where it is, and starts again',
    async () => {
      const resolveSession = temporaryDirectory()
      const directory = join(resolveSession, '.qicore/db')
      mkdirSync(join(directory, 'base'), {recursive: true})
      writeFileSync(join(directory, 'PG_VERSION'), '17\n')
      writeFileSync(`${directory}.demo.json`, '{"madeBy":"qicore-db demo","at":"2026-11-01T00:00:00.000Z"}\n')
      const target = demoPlace(null, resolveSession)
      const {aside, reason} = await claimPlace(target, false, new Date('2026-11-02T03:04:05Z'))
      expect({aside, reason}).toEqual({aside: `${directory}-20261102T030405`, reason: 'half made'})
      expect(readdirSync(aside!)).toContain('PG_VERSION')
      const db = await connect(target, {applicationName: 'test', create: true})
      await db.close()
      expect(await claimPlace(target, false, new Date('2026-11-02T03:04:06Z'))).toMatchObject({
        aside: null,
        reason: null,
      })
    },
    timeout,
  )

  it(
    'with --fresh moves nothing that another process has open',
    async () => {
      const resolveSession = temporaryDirectory()
      const target = demoPlace(null, resolveSession)
      await claimPlace(target, false, new Date('2026-11-02T03:04:05Z'))
      const db = await connect(target, {applicationName: 'qicore-db/daemon', create: true})
      await expect(claimPlace(target, true, new Date('2026-11-02T03:04:06Z'))).rejects.toMatchObject({
        code: 'IN_USE',
        exitCode: 5,
      })
      await db.close()
    },
    timeout,
  )

  it('does not change a database that it did not create', async () => {
    const resolveSession = temporaryDirectory()
    mkdirSync(join(resolveSession, '.qicore/db'), {recursive: true})
    writeFileSync(join(resolveSession, '.qicore/db/PG_VERSION'), '17\n')
    const result = await runCli(['demo', '--json'], {cwd: resolveSession, timeout})
    expectExit(result, 7)
    expect(jsonOf<{error: {code: string}}>(result).error.code).toBe('NOT_OURS')
    expect(readdirSync(join(resolveSession, '.qicore/db'))).toEqual(['PG_VERSION'])
  })

  it.each([
    [['--as-of', '2999-01-01'], /future/],
    [['--candles', 'x.csv'], /--coin/],
    [['--candles', '/nowhere.csv', '--coin', 'a', '--exchange', 'b', '--timeframe', '1m'], /nowhere\.csv/],
    [['--url', 'postgres://x/y'], /its own database/],
  ])('refuses %j before anything is created', async (args, pattern) => {
    const resolveSession = temporaryDirectory()
    const result = await runCli(['demo', ...args], {cwd: resolveSession})
    expectExit(result, 2)
    expect(result.stderr).toMatch(pattern)
    expect(readdirSync(resolveSession)).toEqual([])
  })
})
