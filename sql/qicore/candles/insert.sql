-- Inserts missing candles. If one was inserted in the meantime, the unique constraint fails and nothing is loaded.
-- $1 coin, $2 symbol, $3 exchange, $4 timeframe, $5 source, $6 opening times text[], $7 open, $8 high, $9 low, $10
-- close, $11 volume (text[] of decimals). TimescaleDB: not needed.
insert into public.ohlcv_data
  (coin_id, symbol, exchange_id, timeframe, source, attribution, time, open_price, high_price, low_price, close_price, volume)
select $1, $2, $3, $4, $5::text, $5::text, t, o, h, l, c, v
from unnest($6::timestamptz[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[]) as sample (t, o, h, l, c, v)
