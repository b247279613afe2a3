-- Prices of one coin on one exchange in time buckets aligned to a Monday in UTC, like time_bucket. It uses date_bin,
-- which TimescaleDB plans equally well and every supported PostgreSQL has.
-- $1 coin, $2 exchange, $3 from, $4 to (half-open), $5 bucket (interval, less than a month).
-- One row per bucket that has prices. TimescaleDB: not needed.
select
  (to_json(h.bucket at time zone 'UTC') #>> '{}') || 'Z' as bucket,
  $1::text as coin_id,
  $2::text as exchange_id,
  round(h.average, 8)::text as avg_price,
  h.highest::text as max_price,
  h.lowest::text as min_price,
  h.samples
from (
  select date_bin($5::interval, p.time, timestamptz '2000-01-03 00:00:00+00') as bucket,
    avg(p.usd_price) as average, max(p.usd_price) as highest, min(p.usd_price) as lowest, count(*)::integer as samples
  from public.crypto_prices p
  where p.coin_id = $1::text and p.exchange_id = $2::text
    and p.time >= $3::timestamptz and p.time < $4::timestamptz
  group by 1
) h
order by h.bucket
