import type {ReportTable} from '../units/report-table.js'
import type {LatestPrice, Performer, PriceBucket} from './prices.js'

export const latestPricesTable: ReportTable<LatestPrice> = {
  columns: [
    {id: 'coin_id', heading: 'COIN', type: 'name', value: (row) => row.coinId, shrink: 12},
    {id: 'symbol', heading: 'SYMBOL', type: 'text', value: (row) => row.symbol, shrink: 6, priority: 1},
    {id: 'name', heading: 'NAME', type: 'text', show: 'room', value: (row) => row.name, shrink: 12, priority: 2},
    {id: 'exchange_id', heading: 'EXCHANGE', type: 'name', value: (row) => row.exchangeId, shrink: 10},
    {id: 'usd_price', heading: 'USD', type: 'decimal', value: (row) => row.usdPrice},
    {id: 'time', heading: 'AGE', type: 'age', value: (row) => row.time, priority: 2},
  ],
}

export const priceHistoryTable: ReportTable<PriceBucket> = {
  columns: [
    {id: 'bucket', heading: 'FROM (UTC)', type: 'instant', value: (row) => row.bucket},
    {id: 'coin_id', heading: 'COIN', type: 'name', show: 'data', value: (row) => row.coinId},
    {id: 'exchange_id', heading: 'EXCHANGE', type: 'name', show: 'data', value: (row) => row.exchangeId},
    {id: 'avg_price', heading: 'AVG', type: 'decimal', value: (row) => row.avgPrice},
    {id: 'min_price', heading: 'MIN', type: 'decimal', value: (row) => row.minPrice},
    {id: 'max_price', heading: 'MAX', type: 'decimal', value: (row) => row.maxPrice},
    {id: 'samples', heading: 'N', type: 'count', value: (row) => row.samples, priority: 1},
  ],
}

export const topPricesTable: ReportTable<Performer> = {
  columns: [
    {id: 'coin_id', heading: 'COIN', type: 'name', value: (row) => row.coinId, shrink: 12},
    {id: 'symbol', heading: 'SYMBOL', type: 'text', value: (row) => row.symbol, shrink: 6, priority: 1},
    {id: 'name', heading: 'NAME', type: 'text', show: 'room', value: (row) => row.name, shrink: 12, priority: 2},
    {
      id: 'change24h',
      heading: '24H',
      type: 'decimal',
      value: (row) => row.change24h,
      text: ({change24h}) => `${change24h}%`,
    },
    {id: 'usd_price', heading: 'USD', type: 'decimal', value: (row) => row.usdPrice},
    {id: 'exchange_id', heading: 'EXCHANGE', type: 'name', value: (row) => row.exchangeId, shrink: 10},
    {id: 'time', heading: 'AGE', type: 'age', value: (row) => row.time, priority: 2},
  ],
}
