import type {TableDefinition} from '../../schema/definition.js'
import {coinId, exchangeId, housekeeping, metadata, symbol} from './columns.js'

export const ohlcvData: TableDefinition = {
  schema: 'public',
  name: 'ohlcv_data',
  doc: 'Candles: open, high, low, close and volume of a span of time.',
  dslType: 'CryptoOHLCVData',
  columns: [
    {name: 'id', type: 'bigserial'},
    coinId,
    symbol,
    exchangeId,
    {name: 'time', type: 'timestamptz', doc: 'When the candle opened.'},
    {name: 'open_price', type: 'numeric(20,8)'},
    {name: 'high_price', type: 'numeric(20,8)'},
    {name: 'low_price', type: 'numeric(20,8)'},
    {name: 'close_price', type: 'numeric(20,8)'},
    {name: 'volume', type: 'numeric(30,8)', doc: 'Coins traded.'},
    {name: 'timeframe', type: 'varchar(10)', doc: 'How long the candle is: 1m, 1h, 1d.'},
    ...metadata,
    ...housekeeping,
  ],
  primaryKey: ['id', 'time', 'exchange_id'],
  uniques: [
    {
      name: 'ohlcv_data_coin_id_exchange_id_time_timeframe_key',
      columns: ['coin_id', 'exchange_id', 'time', 'timeframe'],
    },
  ],
  checks: [
    {
      name: 'ohlcv_data_prices_check',
      expression:
        'high_price >= low_price and open_price >= low_price and open_price <= high_price' +
        ' and close_price >= low_price and close_price <= high_price',
    },
    {name: 'ohlcv_data_volume_check', expression: 'volume >= 0'},
    {
      name: 'ohlcv_data_timeframe_valid',
      expression: "timeframe in ('1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w', '1M')",
      since: '1.4.0',
    },
  ],
  indexes: [
    {name: 'ohlcv_data_time_idx', columns: ['time desc']},
    {name: 'idx_ohlcv_coin_timeframe_time', columns: ['coin_id', 'timeframe', 'time desc']},
    {name: 'idx_ohlcv_exchange_timeframe_time', columns: ['exchange_id', 'timeframe', 'time desc']},
  ],
  foreignKeys: [
    {
      name: 'fk_ohlcv_data_exchange',
      columns: ['exchange_id'],
      references: {schema: 'public', table: 'exchanges', columns: ['id']},
    },
  ],
  hypertable: {
    time: 'time',
    chunkInterval: '7 days',
    space: {column: 'exchange_id', partitions: 4},
    partitions: {period: 'month', ahead: 3},
  },
  distribution: {kind: 'hash', column: 'coin_id', colocateWith: {schema: 'public', table: 'crypto_prices'}},
  compression: {
    after: '30 days',
    segmentBy: ['exchange_id', 'coin_id', 'timeframe'],
    orderBy: ['time desc', 'id desc'],
  },
  retention: {after: '2 years'},
}
