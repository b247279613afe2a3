-- Inserts sample prices of one coin on one exchange, oldest first.
-- $1 coin, $2 symbol, $3 name, $4 exchange, $5 coins in circulation, $6 coins traded per day, $7 times (Unix seconds),
-- $8 US dollars, $9 bitcoins, $10 ethers, $11 change over 24 hours and $12 over 7 days in percent (float8[] each).
-- TimescaleDB: not needed.
insert into public.crypto_prices
  (coin_id, symbol, name, exchange_id, time, last_updated, usd_price, btc_price, eth_price, market_cap, volume_24h,
   change_24h, change_7d, source, attribution)
select $1, $2, $3, $4, to_timestamp(t), to_timestamp(t), round(usd::numeric, 8), round(btc::numeric, 8),
  round(eth::numeric, 8), round((usd * $5::float8)::numeric, 2), round((usd * $6::float8)::numeric, 2),
  round(day::numeric, 4), round(week::numeric, 4), 'demo', 'Sample data, made up'
from unnest($7::float8[], $8::float8[], $9::float8[], $10::float8[], $11::float8[], $12::float8[])
  as sample (t, usd, btc, eth, day, week)
