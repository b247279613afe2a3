import type {TableDefinition} from '../../schema/definition.js'
import {coinId, exchangeId, housekeeping, metadata, symbol} from './columns.js'

export const cryptoPrices: TableDefinition = {
  schema: 'public',
  name: 'crypto_prices',
  doc: 'Prices of coins as the exchanges quote them.',
  dslType: 'CryptoPriceData',
  columns: [
    {name: 'id', type: 'bigserial'},
    coinId,
    symbol,
    {name: 'name', type: 'varchar(200)', doc: 'Full name of the coin.'},
    exchangeId,
    {name: 'usd_price', type: 'numeric(20,8)'},
    {name: 'btc_price', type: 'numeric(20,8)', nullable: true},
    {name: 'eth_price', type: 'numeric(20,8)', nullable: true},
    {name: 'market_cap', type: 'numeric(30,2)', nullable: true, doc: 'US dollars.'},
    {name: 'volume_24h', type: 'numeric(30,2)', nullable: true, doc: 'US dollars traded in the last 24 hours.'},
    {name: 'change_24h', type: 'numeric(10,4)', nullable: true, doc: 'Percent over the last 24 hours.'},
    {name: 'change_7d', type: 'numeric(10,4)', nullable: true, doc: 'Percent over the last 7 days.'},
    {name: 'time', type: 'timestamptz', doc: 'When the price was valid.'},
    {name: 'last_updated', type: 'timestamptz', doc: 'When the source last changed it.'},
    ...metadata,
    ...housekeeping,
  ],
  primaryKey: ['id', 'time', 'exchange_id'],
  checks: [
    {name: 'crypto_prices_price_positive', expression: 'usd_price > 0', since: '1.4.0'},
    // The upper bound depends on the current time, so a trigger enforces it and raises the same constraint name.
    {name: 'crypto_prices_time_reasonable', expression: "time >= timestamptz '2009-01-03 00:00:00+00'", since: '1.4.0'},
  ],
  indexes: [
    {name: 'crypto_prices_time_idx', columns: ['time desc']},
    {name: 'idx_crypto_prices_coin_exchange_time', columns: ['coin_id', 'exchange_id', 'time desc']},
    {name: 'idx_crypto_prices_symbol_time', columns: ['symbol', 'time desc']},
    {name: 'idx_crypto_prices_exchange_time', columns: ['exchange_id', 'time desc']},
  ],
  foreignKeys: [
    {
      name: 'fk_crypto_prices_exchange',
      columns: ['exchange_id'],
      references: {schema: 'public', table: 'exchanges', columns: ['id']},
    },
  ],
  triggers: [
    {name: 'crypto_price_validation_trigger', event: 'insert', newRows: 'new_rows', function: 'guard_crypto_prices'},
    {
      name: 'crypto_price_validation_update_trigger',
      event: 'update',
      oldRows: 'old_rows',
      newRows: 'new_rows',
      function: 'guard_crypto_prices',
    },
  ],
  hypertable: {
    time: 'time',
    chunkInterval: '7 days',
    space: {column: 'exchange_id', partitions: 4},
    partitions: {period: 'month', ahead: 3},
  },
  distribution: {kind: 'hash', column: 'coin_id'},
  compression: {after: '7 days', segmentBy: ['exchange_id', 'coin_id'], orderBy: ['time desc', 'id desc']},
}
