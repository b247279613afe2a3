import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {validateAnalytics, validateLevel1, validateOhlcv, validatePrice} from '../../../src/qicore/validation.js'
import {cryptoPrices} from '../../../src/qicore/tables/crypto-prices.js'
import {rowsOf} from '../../helpers/schema-rows.js'

const asOf = '2026-03-01T12:00:00Z'
const price = {
  coinId: 'bitcoin',
  symbol: 'BTC',
  name: 'Bitcoin',
  exchangeId: 'binance',
  usdPrice: '67000.12345678',
  marketCap: '1300000000000.12',
  time: '2026-03-01T11:59:00Z',
  lastUpdated: '2026-03-01T11:58:30.123456Z',
  source: 'feed',
  attribution: 'none',
}
const candle = {
  coinId: 'bitcoin',
  symbol: 'BTC',
  exchangeId: 'binance',
  time: '2026-03-01T11:00:00Z',
  openPrice: 2,
  highPrice: 3,
  lowPrice: 1,
  closePrice: 2,
  volume: 0,
  timeframe: '1h',
  source: 'feed',
  attribution: 'none',
}
const errorsOf = (input: object, at: Parameters<typeof validatePrice>[1] = {asOf}) =>
  validatePrice({...price, ...input}, at).errors.map(({path, message}) => `${path}: ${message}`)

describe('validatePrice', () => {
  it('returns a valid row with every digit', () => {
    expect(validatePrice(price, {asOf})).toEqual({isValid: true, value: price, errors: []})
    expect(validatePrice({...price, usdPrice: 0.00000001}, {asOf}).value).toMatchObject({usdPrice: '0.00000001'})
  })

  it('reports all errors together, also beside an invalid column', () => {
    expect(
      errorsOf({
        symbol: undefined,
        usdPrice: 'NaN',
        marketCap: '-0.01',
        volume24h: -1,
        change24h: '200.0001',
        time: '2009-01-02T23:59:59Z',
        lastUpdated: '2026-03-01T10:59:59Z',
        extra: 1,
      }),
    ).toEqual([
      'symbol: is missing',
      'usdPrice: "NaN" is not a finite number',
      'extra: is not a column of crypto_prices',
      'time: "2009-01-02T23:59:59Z" must be at least 2009-01-03 00:00:00+00 (crypto_prices_time_reasonable)',
      'marketCap: "-0.01" must be at least 0',
      'volume24h: "-1" must be at least 0',
      'change24h: "200.0001" must be at least -200 and at most 200',
      'lastUpdated: "2026-03-01T10:59:59Z" must be within the hour before 2026-03-01T12:00:00Z',
    ])
  })

  it.each([
    ['a price of nothing', {usdPrice: '0'}, 'usdPrice: "0" must be more than 0 (crypto_prices_price_positive)'],
    [
      'a price above ten million',
      {usdPrice: '10000000.00000001'},
      'usdPrice: "10000000.00000001" must be at most 10000000',
    ],
    [
      'an update of the future',
      {lastUpdated: '2026-03-01T12:00:00.000001Z'},
      'lastUpdated: "2026-03-01T12:00:00.000001Z" must be within the hour before 2026-03-01T12:00:00Z',
    ],
    [
      'a time more than an hour ahead',
      {time: '2026-03-01T13:00:00.000001Z'},
      'time: "2026-03-01T13:00:00.000001Z" must be at most an hour after 2026-03-01T12:00:00Z',
    ],
  ])('refuses %s', (_, change, error) => {
    expect(errorsOf(change)).toEqual([error])
  })

  it.each([
    {usdPrice: '10000000'},
    {usdPrice: '0.00000001'},
    {change24h: '-200'},
    {change24h: '200.0000'},
    {marketCap: 0},
    {marketCap: null},
    {lastUpdated: '2026-03-01T11:00:00Z'},
    {lastUpdated: '2026-03-01T12:00:00Z'},
    {time: '2026-03-01T13:00:00Z'},
  ])('accepts the boundary value %j', (change) => {
    expect(errorsOf(change)).toEqual([])
  })

  it('compares freshness with the row, an instant, the clock, or not at all', () => {
    expect(errorsOf({}, {asOf: 'row'})).toEqual([])
    expect(errorsOf({lastUpdated: '2026-03-01T10:58:59Z'}, {asOf: 'row'})).toHaveLength(1)
    expect(errorsOf({lastUpdated: '2020-01-01T00:00:00Z'}, {asOf: 'off'})).toEqual([])
    expect(errorsOf({}, {})).toHaveLength(1)
    const now = new Date()
    expect(errorsOf({time: now, lastUpdated: now}, {})).toEqual([])
    expect(() => validatePrice(price, {asOf: 'yesterday'})).toThrow(/not an instant/)
  })

  it('accepts rows with column names, and uses these in errors', () => {
    const byColumn = {
      coin_id: 'bitcoin',
      symbol: 'BTC',
      name: 'Bitcoin',
      exchange_id: 'binance',
      usd_price: '-1',
      time: price.time,
      last_updated: price.lastUpdated,
      source: 'feed',
    }
    expect(validatePrice(byColumn, {asOf}).errors.map(({path}) => path)).toEqual(['attribution', 'usd_price'])
    expect(validatePrice({...byColumn, usdPrice: 1, attribution: ''}, {asOf}).errors).toContainEqual({
      path: 'usdPrice',
      message: 'is given twice, as usd_price and as usdPrice',
    })
  })

  it.each([null, undefined, 'row', 5, [price], Symbol('row')])('refuses input that is not a row (%#)', (input) => {
    expect(validatePrice(input, {asOf}).errors).toEqual([
      {path: '', message: 'a row of crypto_prices must be an object'},
    ])
  })

  it('ignores inherited properties', () => {
    expect(errorsOf(JSON.parse('{"__proto__":{"usdPrice":1},"constructor":1,"toString":2}') as object)).toEqual([
      '__proto__: is not a column of crypto_prices',
      'constructor: is not a column of crypto_prices',
      'toString: is not a column of crypto_prices',
    ])
    expect(
      validatePrice(JSON.parse('{"__proto__":{"usdPrice":1},"usd_price":1}'), {asOf}).errors.map(({path}) => path),
    ).toContain('__proto__')
    expect(({} as {usdPrice?: number}).usdPrice).toBeUndefined()
  })

  it('never throws, whatever the input', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          rowsOf(cryptoPrices),
          fc.dictionary(fc.constantFrom('usdPrice', 'usd_price', 'time', '__proto__', 'coinId'), fc.anything()),
        ),
        (input) => {
          const {isValid, errors} = validatePrice(input, {asOf})
          expect(isValid).toBe(errors.length === 0)
        },
      ),
    )
  })
})

describe('the other validators', () => {
  it('report which side of a candle is wrong', () => {
    expect(validateOhlcv(candle).isValid).toBe(true)
    expect(
      validateOhlcv({
        ...candle,
        openPrice: '3.00000001',
        closePrice: '0.99999999',
        volume: '-0.00000001',
        timeframe: '2h',
      }).errors,
    ).toEqual([
      {path: 'openPrice', message: '"3.00000001" must be at most highPrice (ohlcv_data_prices_check)'},
      {path: 'closePrice', message: '"0.99999999" must be at least lowPrice (ohlcv_data_prices_check)'},
      {path: 'volume', message: '"-0.00000001" must be at least 0 (ohlcv_data_volume_check)'},
      {
        path: 'timeframe',
        message: '"2h" must be one of 1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w, 1M (ohlcv_data_timeframe_valid)',
      },
    ])
  })

  it('compute a spread as the database does', () => {
    const quote = {
      ticker: 'BTC-USD',
      exchange: 'kraken',
      market: 'spot',
      time: asOf,
      bestBid: '0.1',
      bestAsk: '0.3',
      spread: '0.2',
      spreadPercent: 100,
      source: 'feed',
      attribution: '',
    }
    expect(validateLevel1(quote).isValid).toBe(true)
    expect(validateLevel1({...quote, spread: '0.20000001'}).errors).toEqual([
      {path: 'spread', message: '"0.20000001" must be bestAsk - bestBid (level1_data_spread_check)'},
    ])
  })

  it('check the counts of a market', () => {
    const market = {
      exchangeId: 'global',
      time: asOf,
      totalMarketCap: '1',
      totalVolume: '1',
      btcDominance: '100.0001',
      activeCryptocurrencies: 0,
      markets: 1.5,
      source: 'feed',
      attribution: '',
    }
    expect(validateAnalytics(market).errors.map(({path}) => path)).toEqual([
      'markets',
      'btcDominance',
      'activeCryptocurrencies',
    ])
  })
})
