import type {TableDefinition} from '../../schema/definition.js'
import {createdAt, metadata} from './columns.js'

export const level1Data: TableDefinition = {
  schema: 'public',
  name: 'level1_data',
  doc: 'Best bid and ask: many rows, kept for days.',
  dslType: 'CryptoLevel1Data',
  columns: [
    {name: 'id', type: 'bigserial'},
    {name: 'ticker', type: 'varchar(50)', doc: 'The pair: BTC-USD.'},
    {name: 'exchange', type: 'varchar(50)'},
    {name: 'market', type: 'varchar(50)', doc: 'The kind of market: spot.'},
    {name: 'time', type: 'timestamptz'},
    {name: 'best_bid', type: 'numeric(20,8)'},
    {name: 'best_ask', type: 'numeric(20,8)'},
    {name: 'spread', type: 'numeric(20,8)', doc: 'best_ask - best_bid.'},
    {name: 'spread_percent', type: 'numeric(8,4)'},
    ...metadata,
    createdAt,
  ],
  primaryKey: ['id', 'time', 'exchange'],
  checks: [
    {name: 'level1_data_spread_check', expression: 'best_ask > best_bid and spread = (best_ask - best_bid)'},
    {name: 'level1_data_spread_percent_check', expression: 'spread_percent >= 0'},
  ],
  indexes: [
    {name: 'level1_data_time_idx', columns: ['time desc']},
    {name: 'idx_level1_ticker_exchange_time', columns: ['ticker', 'exchange', 'time desc']},
  ],
  hypertable: {
    time: 'time',
    chunkInterval: '1 day',
    space: {column: 'exchange', partitions: 4},
    partitions: {period: 'day', ahead: 3},
  },
  distribution: {kind: 'hash', column: 'ticker'},
  retention: {after: '7 days'},
}
