alter table public.crypto_prices set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'exchange_id, coin_id',
  timescaledb.compress_orderby = 'time DESC, id DESC'
);
--> statement-breakpoint
alter table public.ohlcv_data set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'exchange_id, coin_id, timeframe',
  timescaledb.compress_orderby = 'time DESC, id DESC'
);
--> statement-breakpoint
alter table public.market_analytics set (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'exchange_id',
  timescaledb.compress_orderby = 'time DESC, id DESC'
);
