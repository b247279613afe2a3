/** Columns that several tables share. */
import type {ColumnDefinition} from '../../schema/definition.js'

export const coinId: ColumnDefinition = {name: 'coin_id', type: 'varchar(100)', doc: 'Our name of the coin: bitcoin.'}
export const symbol: ColumnDefinition = {name: 'symbol', type: 'varchar(20)', doc: 'Ticker of the coin: BTC.'}
export const exchangeId: ColumnDefinition = {
  name: 'exchange_id',
  type: 'varchar(50)',
  doc: 'Where it comes from: binance.',
}

/** Where a row comes from. */
export const metadata: readonly ColumnDefinition[] = [
  {name: 'source', type: 'varchar(100)', doc: 'The feed that delivered it.'},
  {name: 'attribution', type: 'text', doc: 'What the licence of the source asks to be said.'},
]

export const createdAt: ColumnDefinition = {name: 'created_at', type: 'timestamptz', nullable: true, default: 'now()'}
export const updatedAt: ColumnDefinition = {name: 'updated_at', type: 'timestamptz', nullable: true, default: 'now()'}

export const housekeeping: readonly ColumnDefinition[] = [createdAt, updatedAt]
