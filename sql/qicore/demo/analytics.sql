-- Inserts sample figures of one market, oldest first.
-- $1 market, $2 times (Unix seconds), $3 capitalisation, $4 volume, $5 share of bitcoin and $6 of ether in percent, $7
-- change of the capitalisation over 24 hours in percent (float8[] each). TimescaleDB: not needed.
insert into public.market_analytics
  (exchange_id, time, total_market_cap, total_volume, btc_dominance, eth_dominance, active_cryptocurrencies, markets,
   market_cap_change_24h, source, attribution)
select $1, to_timestamp(t), round(cap::numeric, 2), round(vol::numeric, 2), round(btc::numeric, 4), round(eth::numeric, 4),
  4, 16, round(day::numeric, 4), 'demo', 'Sample data, made up'
from unnest($2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
  as sample (t, cap, vol, btc, eth, day)
