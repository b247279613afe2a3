import type {TableDefinition} from '../../schema/definition.js'
import {housekeeping, metadata} from './columns.js'

export const marketAnalytics: TableDefinition = {
  schema: 'public',
  name: 'market_analytics',
  doc: 'Figures of a whole market at one time.',
  dslType: 'CryptoMarketAnalytics',
  columns: [
    {name: 'id', type: 'bigserial'},
    {
      name: 'exchange_id',
      type: 'varchar(50)',
      doc: 'The market: global, or an exchange. No foreign key: global is none.',
    },
    {name: 'time', type: 'timestamptz'},
    {name: 'total_market_cap', type: 'numeric(40,2)', doc: 'US dollars.'},
    {name: 'total_volume', type: 'numeric(40,2)', doc: 'US dollars traded in the last 24 hours.'},
    {name: 'btc_dominance', type: 'numeric(8,4)', doc: 'Percent of the market capitalisation.'},
    {name: 'eth_dominance', type: 'numeric(8,4)', nullable: true, doc: 'Percent of the market capitalisation.'},
    {name: 'active_cryptocurrencies', type: 'integer'},
    {name: 'markets', type: 'integer'},
    {name: 'market_cap_change_24h', type: 'numeric(10,4)', nullable: true, doc: 'Percent over the last 24 hours.'},
    ...metadata,
    ...housekeeping,
  ],
  primaryKey: ['id', 'time'],
  uniques: [{name: 'market_analytics_exchange_id_time_key', columns: ['exchange_id', 'time']}],
  checks: [
    {name: 'market_analytics_dominance_check', expression: 'btc_dominance >= 0 and btc_dominance <= 100'},
    {name: 'market_analytics_counts_check', expression: 'active_cryptocurrencies > 0 and markets > 0'},
  ],
  indexes: [
    {name: 'market_analytics_time_idx', columns: ['time desc']},
    {name: 'idx_market_analytics_exchange_time', columns: ['exchange_id', 'time desc']},
  ],
  hypertable: {time: 'time', chunkInterval: '7 days', partitions: {period: 'month', ahead: 3}},
  distribution: {kind: 'hash', column: 'exchange_id'},
  compression: {after: '14 days', segmentBy: ['exchange_id'], orderBy: ['time desc', 'id desc']},
}
