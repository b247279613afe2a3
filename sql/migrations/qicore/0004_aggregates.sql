-- version: 1.3.0
-- description: Aggregates as tables under views

create table qicore.hourly_price_averages_data (
  coin_id varchar(100) not null,
  exchange_id varchar(50) not null,
  bucket timestamptz not null,
  avg_price numeric,
  max_price numeric,
  min_price numeric,
  sample_count bigint not null,
  constraint hourly_price_averages_data_pkey primary key (coin_id, exchange_id, bucket)
);

create index hourly_price_averages_data_bucket_idx on qicore.hourly_price_averages_data (bucket);

create function qicore.hourly_price_averages_window(window_start timestamptz, window_end timestamptz)
returns setof qicore.hourly_price_averages_data
language sql stable
begin atomic
  select
    coin_id,
    exchange_id,
    date_bin(interval '1 hour', time, timestamptz '2000-01-03 00:00:00+00') as bucket,
    avg(usd_price) as avg_price,
    max(usd_price) as max_price,
    min(usd_price) as min_price,
    count(*) as sample_count
  from public.crypto_prices
  where time >= window_start and time < window_end
  group by coin_id, exchange_id, date_bin(interval '1 hour', time, timestamptz '2000-01-03 00:00:00+00');
end;

create view public.hourly_price_averages as
select coin_id, exchange_id, bucket, avg_price, max_price, min_price, sample_count
from qicore.hourly_price_averages_data;

insert into qicore.aggregates (view, source, data, query, bucket)
values ('public.hourly_price_averages', 'public.crypto_prices', 'qicore.hourly_price_averages_data', 'qicore.hourly_price_averages_window', interval '1 hour');

create table qicore.daily_ohlcv_summary_data (
  coin_id varchar(100) not null,
  exchange_id varchar(50) not null,
  bucket timestamptz not null,
  open_price numeric,
  high_price numeric,
  low_price numeric,
  close_price numeric,
  total_volume numeric,
  constraint daily_ohlcv_summary_data_pkey primary key (coin_id, exchange_id, bucket)
);

create index daily_ohlcv_summary_data_bucket_idx on qicore.daily_ohlcv_summary_data (bucket);

create function qicore.daily_ohlcv_summary_window(window_start timestamptz, window_end timestamptz)
returns setof qicore.daily_ohlcv_summary_data
language sql stable
begin atomic
  select
    coin_id,
    exchange_id,
    date_bin(interval '1 day', time, timestamptz '2000-01-03 00:00:00+00') as bucket,
    (array_agg(open_price order by time))[1] as open_price,
    max(high_price) as high_price,
    min(low_price) as low_price,
    (array_agg(close_price order by time desc))[1] as close_price,
    sum(volume) as total_volume
  from public.ohlcv_data
  where (time >= window_start and time < window_end) and (timeframe = '1h')
  group by coin_id, exchange_id, date_bin(interval '1 day', time, timestamptz '2000-01-03 00:00:00+00');
end;

create view public.daily_ohlcv_summary as
select coin_id, exchange_id, bucket, open_price, high_price, low_price, close_price, total_volume
from qicore.daily_ohlcv_summary_data;

insert into qicore.aggregates (view, source, data, query, bucket)
values ('public.daily_ohlcv_summary', 'public.ohlcv_data', 'qicore.daily_ohlcv_summary_data', 'qicore.daily_ohlcv_summary_window', interval '1 day');
