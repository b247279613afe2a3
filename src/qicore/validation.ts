import {cryptoPricesSchema, level1DataSchema, marketAnalyticsSchema, ohlcvDataSchema} from './generated/zod.js'
import type {CryptoLevel1Data, CryptoMarketAnalytics, CryptoOHLCVData, CryptoPriceData} from './generated/zod.js'
import {propertyNames} from '../schema/properties.js'
import {cryptoPrices} from './tables/crypto-prices.js'
import {level1Data} from './tables/level1-data.js'
import {marketAnalytics} from './tables/market-analytics.js'
import {ohlcvData} from './tables/ohlcv-data.js'
import type {TableDefinition} from '../schema/definition.js'
import {priceRules} from './row-rules.js'
import {validator, type Validated, type Validator} from '../validation/validator.js'

const propertiesOf = ({columns}: TableDefinition) => propertyNames(columns.map(({name}) => name))

/** The row types with rules of their own, by the name that `validate` accepts. */
export const known = {
  price: {
    table: 'crypto_prices',
    schema: cryptoPricesSchema,
    rules: priceRules,
    properties: propertiesOf(cryptoPrices),
  },
  ohlcv: {table: 'ohlcv_data', schema: ohlcvDataSchema, rules: [], properties: propertiesOf(ohlcvData)},
  analytics: {
    table: 'market_analytics',
    schema: marketAnalyticsSchema,
    rules: [],
    properties: propertiesOf(marketAnalytics),
  },
  level1: {table: 'level1_data', schema: level1DataSchema, rules: [], properties: propertiesOf(level1Data)},
} satisfies Record<string, Validated<unknown>>

/** Validates a row of crypto_prices: its definition, and plausibility of a newly fetched price. */
export const validatePrice: Validator<CryptoPriceData> = validator(known.price)

/** Validates a row of ohlcv_data. */
export const validateOhlcv: Validator<CryptoOHLCVData> = validator(known.ohlcv)

/** Validates a row of market_analytics. */
export const validateAnalytics: Validator<CryptoMarketAnalytics> = validator(known.analytics)

/** Validates a row of level1_data. */
export const validateLevel1: Validator<CryptoLevel1Data> = validator(known.level1)
