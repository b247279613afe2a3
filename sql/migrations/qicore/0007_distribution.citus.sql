-- version: 1.6.0
-- description: Tables distributed by Citus
-- The tables of a database that has rows are moved too: their rows are copied to the nodes under ACCESS EXCLUSIVE, in one
-- transaction. Each table gets citus.shard_count shards.
--
-- What Citus does not accept on a distributed table is dropped: both triggers of crypto_prices, so a time far ahead of the
-- clock is no error and a jump of the price no warning. Unique constraints need the distribution column, so the primary
-- keys get it.

set local citus.multi_shard_modify_mode = 'sequential';

drop trigger crypto_price_validation_trigger on public.crypto_prices;

drop trigger crypto_price_validation_update_trigger on public.crypto_prices;

-- A foreign key is created again below: exchanges must be a reference table first.
alter table public.crypto_prices
  drop constraint fk_crypto_prices_exchange,
  drop constraint crypto_prices_pkey,
  add constraint crypto_prices_pkey primary key (id, time, exchange_id, coin_id);

alter table public.ohlcv_data
  drop constraint fk_ohlcv_data_exchange,
  drop constraint ohlcv_data_pkey,
  add constraint ohlcv_data_pkey primary key (id, time, exchange_id, coin_id);

alter table public.market_analytics
  drop constraint market_analytics_pkey,
  add constraint market_analytics_pkey primary key (id, time, exchange_id);

alter table public.level1_data
  drop constraint level1_data_pkey,
  add constraint level1_data_pkey primary key (id, time, exchange, ticker);

select create_reference_table('public.exchanges');

select create_distributed_table('public.crypto_prices', 'coin_id', colocate_with => 'none');

select create_distributed_table('public.market_analytics', 'exchange_id', colocate_with => 'none');

select create_distributed_table('public.level1_data', 'ticker', colocate_with => 'none');

select create_distributed_table('public.ohlcv_data', 'coin_id', colocate_with => 'public.crypto_prices');

-- The rows of the coordinator, which the nodes have now. Without it they would stay in its files.
select truncate_local_data_after_distributing_table('public.crypto_prices');

select truncate_local_data_after_distributing_table('public.ohlcv_data');

select truncate_local_data_after_distributing_table('public.market_analytics');

select truncate_local_data_after_distributing_table('public.level1_data');

alter table public.crypto_prices add constraint fk_crypto_prices_exchange
  foreign key (exchange_id) references public.exchanges (id);

alter table public.ohlcv_data add constraint fk_ohlcv_data_exchange
  foreign key (exchange_id) references public.exchanges (id);

-- A function in SQL with parameters cannot read a distributed table, one in PL/pgSQL can.
create or replace function qicore.hourly_price_averages_window(window_start timestamptz, window_end timestamptz)
returns setof qicore.hourly_price_averages_data
language plpgsql stable
as $body$
#variable_conflict use_column
begin
  return query
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
end
$body$;

create or replace function qicore.daily_ohlcv_summary_window(window_start timestamptz, window_end timestamptz)
returns setof qicore.daily_ohlcv_summary_data
language plpgsql stable
as $body$
#variable_conflict use_column
begin
  return query
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
end
$body$;
