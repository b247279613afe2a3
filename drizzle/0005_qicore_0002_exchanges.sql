create table public.exchanges (
  id varchar(50) not null,
  name varchar(200) not null,
  api_url varchar(500),
  websocket_url varchar(500),
  trading_fees numeric(6,4),
  withdrawal_fees jsonb,
  supported_pairs text[],
  is_active boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint exchanges_pkey primary key (id)
);
--> statement-breakpoint
insert into public.exchanges (id, name, api_url) values
  ('binance', 'Binance', 'https://api.binance.com'),
  ('coinbase', 'Coinbase Pro', 'https://api.pro.coinbase.com'),
  ('kraken', 'Kraken', 'https://api.kraken.com'),
  ('bitstamp', 'Bitstamp', 'https://www.bitstamp.net/api');
--> statement-breakpoint
alter table public.crypto_prices add constraint fk_crypto_prices_exchange
  foreign key (exchange_id) references public.exchanges (id);
--> statement-breakpoint
alter table public.ohlcv_data add constraint fk_ohlcv_data_exchange
  foreign key (exchange_id) references public.exchanges (id);
