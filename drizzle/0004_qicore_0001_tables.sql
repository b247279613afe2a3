select set_config('search_path', 'pg_catalog, ' || quote_ident(n.nspname), true)
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'timescaledb';
--> statement-breakpoint
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
);
--> statement-breakpoint
select create_hypertable('public.crypto_prices', by_range('time', interval '7 days'), create_default_indexes => false);
--> statement-breakpoint
select add_dimension('public.crypto_prices', by_hash('exchange_id', coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer))
where coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer > 0;
--> statement-breakpoint
create index crypto_prices_time_idx on public.crypto_prices (time desc);
--> statement-breakpoint
create index idx_crypto_prices_coin_exchange_time on public.crypto_prices (coin_id, exchange_id, time desc);
--> statement-breakpoint
create index idx_crypto_prices_symbol_time on public.crypto_prices (symbol, time desc);
--> statement-breakpoint
create index idx_crypto_prices_exchange_time on public.crypto_prices (exchange_id, time desc);
--> statement-breakpoint
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
);
--> statement-breakpoint
select create_hypertable('public.ohlcv_data', by_range('time', interval '7 days'), create_default_indexes => false);
--> statement-breakpoint
select add_dimension('public.ohlcv_data', by_hash('exchange_id', coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer))
where coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer > 0;
--> statement-breakpoint
create index ohlcv_data_time_idx on public.ohlcv_data (time desc);
--> statement-breakpoint
create index idx_ohlcv_coin_timeframe_time on public.ohlcv_data (coin_id, timeframe, time desc);
--> statement-breakpoint
create index idx_ohlcv_exchange_timeframe_time on public.ohlcv_data (exchange_id, timeframe, time desc);
--> statement-breakpoint
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
);
--> statement-breakpoint
select create_hypertable('public.market_analytics', by_range('time', interval '7 days'), create_default_indexes => false);
--> statement-breakpoint
create index market_analytics_time_idx on public.market_analytics (time desc);
--> statement-breakpoint
create index idx_market_analytics_exchange_time on public.market_analytics (exchange_id, time desc);
--> statement-breakpoint
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
);
--> statement-breakpoint
select create_hypertable('public.level1_data', by_range('time', interval '1 day'), create_default_indexes => false);
--> statement-breakpoint
select add_dimension('public.level1_data', by_hash('exchange', coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer))
where coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '4')::integer > 0;
--> statement-breakpoint
create index level1_data_time_idx on public.level1_data (time desc);
--> statement-breakpoint
create index idx_level1_ticker_exchange_time on public.level1_data (ticker, exchange, time desc);
