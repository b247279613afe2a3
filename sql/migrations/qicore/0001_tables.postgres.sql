-- version: 1.0.0
-- description: Four time-series tables, partitioned

create table public.crypto_prices (
  id bigserial,
  coin_id varchar(100) not null,
  symbol varchar(20) not null,
  name varchar(200) not null,
  exchange_id varchar(50) not null,
  usd_price numeric(20,8) not null,
  btc_price numeric(20,8),
  eth_price numeric(20,8),
  market_cap numeric(30,2),
  volume_24h numeric(30,2),
  change_24h numeric(10,4),
  change_7d numeric(10,4),
  time timestamptz not null,
  last_updated timestamptz not null,
  source varchar(100) not null,
  attribution text not null,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint crypto_prices_pkey primary key (id, time, exchange_id)
) partition by range (time);

select qicore.create_partition('public.crypto_prices', 'month', now() + make_interval(months => n))
from generate_series(0, 3) n;

create index crypto_prices_time_idx on public.crypto_prices (time desc);

create index idx_crypto_prices_coin_exchange_time on public.crypto_prices (coin_id, exchange_id, time desc);

create index idx_crypto_prices_symbol_time on public.crypto_prices (symbol, time desc);

create index idx_crypto_prices_exchange_time on public.crypto_prices (exchange_id, time desc);

create table public.ohlcv_data (
  id bigserial,
  coin_id varchar(100) not null,
  symbol varchar(20) not null,
  exchange_id varchar(50) not null,
  time timestamptz not null,
  open_price numeric(20,8) not null,
  high_price numeric(20,8) not null,
  low_price numeric(20,8) not null,
  close_price numeric(20,8) not null,
  volume numeric(30,8) not null,
  timeframe varchar(10) not null,
  source varchar(100) not null,
  attribution text not null,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint ohlcv_data_pkey primary key (id, time, exchange_id),
  constraint ohlcv_data_coin_id_exchange_id_time_timeframe_key unique (coin_id, exchange_id, time, timeframe),
  constraint ohlcv_data_prices_check check (high_price >= low_price and open_price >= low_price and open_price <= high_price and close_price >= low_price and close_price <= high_price),
  constraint ohlcv_data_volume_check check (volume >= 0)
) partition by range (time);

select qicore.create_partition('public.ohlcv_data', 'month', now() + make_interval(months => n))
from generate_series(0, 3) n;

create index ohlcv_data_time_idx on public.ohlcv_data (time desc);

create index idx_ohlcv_coin_timeframe_time on public.ohlcv_data (coin_id, timeframe, time desc);

create index idx_ohlcv_exchange_timeframe_time on public.ohlcv_data (exchange_id, timeframe, time desc);

create table public.market_analytics (
  id bigserial,
  exchange_id varchar(50) not null,
  time timestamptz not null,
  total_market_cap numeric(40,2) not null,
  total_volume numeric(40,2) not null,
  btc_dominance numeric(8,4) not null,
  eth_dominance numeric(8,4),
  active_cryptocurrencies integer not null,
  markets integer not null,
  market_cap_change_24h numeric(10,4),
  source varchar(100) not null,
  attribution text not null,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint market_analytics_pkey primary key (id, time),
  constraint market_analytics_exchange_id_time_key unique (exchange_id, time),
  constraint market_analytics_dominance_check check (btc_dominance >= 0 and btc_dominance <= 100),
  constraint market_analytics_counts_check check (active_cryptocurrencies > 0 and markets > 0)
) partition by range (time);

select qicore.create_partition('public.market_analytics', 'month', now() + make_interval(months => n))
from generate_series(0, 3) n;

create index market_analytics_time_idx on public.market_analytics (time desc);

create index idx_market_analytics_exchange_time on public.market_analytics (exchange_id, time desc);

create table public.level1_data (
  id bigserial,
  ticker varchar(50) not null,
  exchange varchar(50) not null,
  market varchar(50) not null,
  time timestamptz not null,
  best_bid numeric(20,8) not null,
  best_ask numeric(20,8) not null,
  spread numeric(20,8) not null,
  spread_percent numeric(8,4) not null,
  source varchar(100) not null,
  attribution text not null,
  created_at timestamptz default now(),
  constraint level1_data_pkey primary key (id, time, exchange),
  constraint level1_data_spread_check check (best_ask > best_bid and spread = (best_ask - best_bid)),
  constraint level1_data_spread_percent_check check (spread_percent >= 0)
) partition by range (time);

select qicore.create_partition('public.level1_data', 'day', now() + make_interval(days => n))
from generate_series(0, 3) n;

create index level1_data_time_idx on public.level1_data (time desc);

create index idx_level1_ticker_exchange_time on public.level1_data (ticker, exchange, time desc);
