select set_config('search_path', 'pg_catalog, ' || quote_ident(n.nspname), true)
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'timescaledb';
--> statement-breakpoint
create materialized view public.hourly_price_averages
with (timescaledb.continuous, timescaledb.materialized_only = true) as
select
  coin_id,
  exchange_id,
  time_bucket(interval '1 hour', time) as bucket,
  avg(usd_price) as avg_price,
  max(usd_price) as max_price,
  min(usd_price) as min_price,
  count(*) as sample_count
from public.crypto_prices
group by coin_id, exchange_id, time_bucket(interval '1 hour', time)
with no data;
--> statement-breakpoint
create materialized view public.daily_ohlcv_summary
with (timescaledb.continuous, timescaledb.materialized_only = true) as
select
  coin_id,
  exchange_id,
  time_bucket(interval '1 day', time) as bucket,
  first(open_price, time) as open_price,
  max(high_price) as high_price,
  min(low_price) as low_price,
  last(close_price, time) as close_price,
  sum(volume) as total_volume
from public.ohlcv_data
where timeframe = '1h'
group by coin_id, exchange_id, time_bucket(interval '1 day', time)
with no data;
