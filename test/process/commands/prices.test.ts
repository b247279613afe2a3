import {describe, expect, it} from 'vitest'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

forEachEngine({}, (engine) => {
  it('prices latest, history and top answer for people and programs', async () => {
    const url = await engine.urlFor(async (database) => {
      await replay(database)
      if (engine.kind === 'postgres')
        await database.run("select qicore.create_partition('public.crypto_prices', 'month', '2026-03-01Z')")
      await database.run(`insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated, source, attribution)
        values ('bitcoin', 'BTC', 'Bitcoin', 'binance', 67000.12345678, 1.5, '2026-03-01T11:59:00Z', '2026-03-01T11:59:00Z', '', ''),
               ('bitcoin', 'BTC', 'Bitcoin', 'kraken', 67001, 1.25, '2026-03-01T11:58:00Z', '2026-03-01T11:58:00Z', '', ''),
               ('ether', 'ETH', 'Ether', 'kraken', 3000, -2, '2026-03-01T11:30:00Z', '2026-03-01T11:30:00Z', '', '')`)
    })
    const ask = async (...args: string[]) => {
      const result = await runCli(['prices', ...args, '--url', url])
      expectExit(result, 0)
      return result.stdout
    }
    const now = ['--as-of', '2026-03-01T12:00:00Z']
    expect(await ask('latest', ...now)).toBe(
      [
        ' COIN     SYMBOL  EXCHANGE             USD  AGE',
        ' bitcoin  BTC     binance   67000.12345678   1m',
        ' bitcoin  BTC     kraken    67001.00000000   2m',
        ' ether    ETH     kraken     3000.00000000  30m',
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
      'bucket,coinId,exchangeId,avgPrice,maxPrice,minPrice,samples\n2026-03-01T11:00:00Z,bitcoin,kraken,67001.00000000,67001.00000000,67001.00000000,1\n',
    )
    expect(await ask('latest')).toBe('There is no price within that time.\n')
  }, 180_000)
})

describe('prices', () => {
  it.each([
    [['prices', 'history', 'bitcoin', 'kraken', '--bucket', '5m'], 'DURATION'],
    [['prices', 'history', 'bitcoin', 'kraken', '--bucket', '1mon'], 'BUCKET'],
    [['prices', 'latest'], 'NO_TABLE'],
    [['prices', 'top'], 'NO_TABLE'],
  ])('%j exits 2 with a code, also where the tables are not there', async (args, code) => {
    const result = await runCli([...args, '--url', 'embedded:', '--json'])
    expectExit(result, 2)
    expect(jsonOf(result)).toMatchObject({error: {code}})
  })
})
