import type {TableDefinition} from '../../schema/definition.js'
import {housekeeping} from './columns.js'

export const exchanges: TableDefinition = {
  schema: 'public',
  name: 'exchanges',
  doc: 'The exchanges that prices and candles come from.',
  columns: [
    {name: 'id', type: 'varchar(50)', doc: 'Our name of the exchange: binance.'},
    {name: 'name', type: 'varchar(200)'},
    {name: 'api_url', type: 'varchar(500)', nullable: true},
    {name: 'websocket_url', type: 'varchar(500)', nullable: true},
    {name: 'trading_fees', type: 'numeric(6,4)', nullable: true},
    {name: 'withdrawal_fees', type: 'jsonb', nullable: true},
    {name: 'supported_pairs', type: 'text[]', nullable: true},
    {name: 'is_active', type: 'boolean', nullable: true, default: 'true'},
    ...housekeeping,
  ],
  primaryKey: ['id'],
  distribution: {kind: 'reference'},
  rows: {
    columns: ['id', 'name', 'api_url'],
    values: [
      ['binance', 'Binance', 'https://api.binance.com'],
      ['coinbase', 'Coinbase Pro', 'https://api.pro.coinbase.com'],
      ['kraken', 'Kraken', 'https://api.kraken.com'],
      ['bitstamp', 'Bitstamp', 'https://www.bitstamp.net/api'],
    ],
  },
}
