-- Inserts sample best bids and asks of one pair on one exchange, oldest first.
-- $1 pair, $2 exchange, $3 times (Unix seconds), $4 bid, $5 ask (float8[] each). TimescaleDB: not needed.
insert into public.level1_data
  (ticker, exchange, market, time, best_bid, best_ask, spread, spread_percent, source, attribution)
select $1, $2, 'spot', to_timestamp(t), bid, ask, ask - bid, round((ask - bid) / bid * 100, 4), 'demo', 'Sample data, made up'
from unnest($3::float8[], $4::float8[], $5::float8[]) as sample (t, b, a)
cross join lateral (select round(b::numeric, 8) as bid, round(a::numeric, 8) as ask) as exact
