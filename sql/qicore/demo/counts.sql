-- How many rows the demo's database holds.
-- No parameters. TimescaleDB: not needed. For a few hundred thousand rows only.
select
  (select count(*) from public.crypto_prices) as prices,
  (select count(*) from public.ohlcv_data) as candles,
  (select count(*) from public.market_analytics) as analytics,
  (select count(*) from public.level1_data) as quotes
