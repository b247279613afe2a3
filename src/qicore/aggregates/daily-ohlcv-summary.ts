import type {AggregateDefinition} from '../../schema/definition.js'

export const dailyOhlcvSummary: AggregateDefinition = {
  schema: 'public',
  name: 'daily_ohlcv_summary',
  doc: 'One candle a day (UTC) of each coin on each exchange, from its hourly candles.',
  source: {schema: 'public', table: 'ohlcv_data'},
  time: 'time',
  bucket: '1 day',
  groupBy: ['coin_id', 'exchange_id'],
  where: "timeframe = '1h'",
  columns: [
    {name: 'open_price', function: 'first', of: 'open_price'},
    {name: 'high_price', function: 'max', of: 'high_price'},
    {name: 'low_price', function: 'min', of: 'low_price'},
    {name: 'close_price', function: 'last', of: 'close_price'},
    {name: 'total_volume', function: 'sum', of: 'volume'},
  ],
  // Candles are corrected for several days, and yesterday's should be available an hour after midnight.
  refresh: {startOffset: '7 days', endOffset: '1 hour', every: '1 hour'},
}
