-- Inserts sample candles of one series, oldest first.
-- $1 coin, $2 symbol, $3 exchange, $4 timeframe, $5 opening times (Unix seconds), $6 open, $7 high, $8 low, $9 close,
-- $10 volume (float8[] each). Rounding keeps low <= open, close <= high. TimescaleDB: not needed.
insert into public.ohlcv_data
  (coin_id, symbol, exchange_id, timeframe, time, open_price, high_price, low_price, close_price, volume, source, attribution)
select $1, $2, $3, $4, to_timestamp(t), round(o::numeric, 8), round(h::numeric, 8), round(l::numeric, 8),
  round(c::numeric, 8), round(v::numeric, 8), 'demo', 'Sample data, made up'
from unnest($5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::float8[]) as sample (t, o, h, l, c, v)
