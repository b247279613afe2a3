-- Number of rows in the demo's database.
-- No parameters. TimescaleDB: not needed. Only for a few hundred thousand rows.
select
  (select count(*) from public.crypto_prices) as prices,
  (select count(*) from public.ohlcv_data) as candles,
  (select count(*) from public.market_analytics) as analytics,
  (select count(*) from public.level1_data) as quotes
