import {describe, expect, it} from 'vitest'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {printedCommands} from '../../helpers/printed.js'
import {forEachEngine, type Engine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

function pricesOn(engine: Engine): Promise<string> {
  return engine.urlFor(async (database) => {
    await replay(database)
    if (!engine.hypertables)
      await database.run("select qicore.create_partition('public.crypto_prices', 'month', '2026-03-01Z')")
    await database.run(`insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated, source, attribution)
      values ('bitcoin', 'BTC', 'Bitcoin', 'binance', 67000.12345678, 1.5, '2026-03-01T11:59:00Z', '2026-03-01T11:59:00Z', '', ''),
             ('bitcoin', 'BTC', 'Bitcoin', 'kraken', 67001, 1.25, '2026-03-01T11:58:00Z', '2026-03-01T11:58:00Z', '', ''),
             ('ether', 'ETH', 'Ether', 'kraken', 3000, -2, '2026-03-01T11:30:00Z', '2026-03-01T11:30:00Z', '', '')`)
  })
}

const now = ['--as-of', '2026-03-01T12:00:00Z']

/** The output of a report of prices. */
function asker(url: string): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const result = await runCli(['prices', ...args, '--url', url])
    expectExit(result, 0)
    return result.stdout
  }
}

forEachEngine({}, (engine) => {
  it('prices latest, history and top print tables and JSON', async () => {
    const url = await pricesOn(engine)
    const ask = asker(url)
    expect(await ask('latest', ...now)).toBe(
      [
        ' COIN     SYMBOL  EXCHANGE             USD    AGE',
        ' bitcoin  BTC     binance   67000.12345678   1min',
        ' bitcoin  BTC     kraken    67001.00000000   2min',
        ' ether    ETH     kraken     3000.00000000  30min',
        '3 prices.',
        '',
      ].join('\n'),
    )
    expect(
      jsonOf(
        await runCli([
          'prices',
          'latest',
          '--coin',
          'bitcoin,nothing',
          '--within',
          '90s',
          ...now,
          '--url',
          url,
          '--json',
        ]),
      ),
    ).toMatchObject({
      kind: 'prices.latest',
      version: 1,
      prices: [
        {coinId: 'bitcoin', exchangeId: 'binance', usdPrice: '67000.12345678', time: '2026-03-01T11:59:00.000Z'},
      ],
    })
    expect(await ask('top', '--limit', '1', ...now)).toContain(' bitcoin  BTC     1.5000%')
    expect(
      await ask(
        'history',
        'bitcoin',
        'kraken',
        '--from',
        '2026-03-01',
        '--to',
        '2026-03-02',
        '--bucket',
        '1h',
        '--csv',
      ),
    ).toBe(
      'bucket,coin_id,exchange_id,avg_price,min_price,max_price,samples\n2026-03-01T11:00:00.000Z,bitcoin,kraken,67001.00000000,67001.00000000,67001.00000000,1\n',
    )
    expect(await ask('latest')).toContain('No price found in that time. The newest is from 2026-03-01 11:59 UTC.\n')
  }, 180_000)
})

forEachEngine({native: true}, (engine) => {
  it('names the existing coins and exchanges if there is no price, and suggests commands that find one', async () => {
    const url = await pricesOn(engine)
    const ask = asker(url)
    expect(await ask('latest', '--coin', 'BTC', ...now)).toBe(
      'No price found for coin "BTC". Did you mean bitcoin? Coins with recent prices: bitcoin, ether.\n',
    )
    expect(await ask('latest', '--coin', 'bitcoin,bitcon', '--within', '90s', ...now)).toMatch(
      /^1 price\.\nNo price found for coin "bitcon"\. Did you mean bitcoin\?/m,
    )
    expect(await ask('history', 'bitcoin', 'nosuch')).toBe(
      'No price found for exchange "nosuch". Exchanges with recent prices: binance, kraken.\n',
    )
    expect(await ask('history', 'bitcoin', 'krakne')).toContain('Did you mean kraken?')
    expect(await ask('history', 'ether', 'binance')).toBe(
      'No price of ether on binance. Exchanges with recent prices of it: kraken.\n',
    )
    const latest = (await ask('latest', '--as-of', '2026-03-02')).split('\n')
    expect(latest.slice(0, 2)).toEqual([
      'No price found in that time. The newest before it is from 2026-03-01 11:59 UTC.',
      `Prices as of then: qicore-db prices latest --as-of 2026-03-01T11:59:00Z --url ${url}`,
    ])
    expect(latest[2]).toBe(
      `Older prices too: qicore-db prices latest --as-of 2026-03-02T00:00:00Z --within 13h --url ${url}`,
    )
    // The suggested commands find it.
    for (const line of [
      latest[1]!,
      latest[2]!,
      (await ask('history', 'bitcoin', 'kraken')).split('\n')[1]!,
      (await ask('top', '--limit', '1')).split('\n')[1]!,
    ]) {
      const [printed] = printedCommands(line)
      const result = await runCli(printed!.words)
      expectExit(result, 0)
      expect(result.stdout, line).toContain('67')
    }
    expect(jsonOf(await runCli(['prices', 'latest', '--as-of', '2026-02-01', '--url', url, '--json']))).toMatchObject({
      prices: [],
      notes: [
        'No price found in that time. The newest is from 2026-03-01 11:59 UTC.',
        expect.stringContaining('--as-of 2026-03-01T11:59:00Z'),
      ],
    })
  }, 60_000)
})

describe('prices', () => {
  it.each([
    [['prices', 'history', 'bitcoin', 'kraken', '--bucket', '5m'], 'DURATION'],
    [['prices', 'history', 'bitcoin', 'kraken', '--bucket', '1mon'], 'BUCKET'],
    [['prices', 'latest'], 'NO_TABLE'],
    [['prices', 'top'], 'NO_TABLE'],
  ])('%j exits 2 with a code, also if the tables do not exist', async (args, code) => {
    const result = await runCli([...args, '--url', 'embedded:', '--json'])
    expectExit(result, 2)
    expect(jsonOf(result)).toMatchObject({error: {code}})
  })
})
