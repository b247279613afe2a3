import type {AggregateDefinition} from '../../schema/definition.js'

export const hourlyPriceAverages: AggregateDefinition = {
  schema: 'public',
  name: 'hourly_price_averages',
  doc: 'Average, highest and lowest price of each coin on each exchange by hour.',
  source: {schema: 'public', table: 'crypto_prices'},
  time: 'time',
  bucket: '1 hour',
  groupBy: ['coin_id', 'exchange_id'],
  columns: [
    {name: 'avg_price', function: 'avg', of: 'usd_price'},
    {name: 'max_price', function: 'max', of: 'usd_price'},
    {name: 'min_price', function: 'min', of: 'usd_price'},
    {name: 'sample_count', function: 'count'},
  ],
  refresh: {startOffset: '3 hours', endOffset: '1 hour', every: '1 hour'},
}
