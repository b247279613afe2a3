import {dailyOhlcvSummary} from './aggregates/daily-ohlcv-summary.js'
import {hourlyPriceAverages} from './aggregates/hourly-price-averages.js'
import type {SchemaDefinition} from '../schema/definition.js'
import {cryptoPrices} from './tables/crypto-prices.js'
import {exchanges} from './tables/exchanges.js'
import {level1Data} from './tables/level1-data.js'
import {marketAnalytics} from './tables/market-analytics.js'
import {ohlcvData} from './tables/ohlcv-data.js'

/** The tables of QiCore, ordered so that each can be created after the tables it references. */
export const qicore: SchemaDefinition = {
  tables: [exchanges, cryptoPrices, ohlcvData, marketAnalytics, level1Data],
  aggregates: [hourlyPriceAverages, dailyOhlcvSummary],
  routines: [
    'schema_versions',
    'maintenance_log',
    'create_monthly_partition',
    'create_monthly_partition_of',
    'maintain_hypertables',
  ],
}
