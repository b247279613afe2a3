-- The coins with the largest rise in 24 hours, by the newest price of each within a time span, on any exchange.
-- $1 the current time (null: the server's clock), $2 maximum age (interval), $3 number of coins.
-- One row per coin, in descending order of the change. TimescaleDB: not needed.
select latest.coin_id, latest.symbol, latest.name, latest.exchange_id, latest.usd_price::text as usd_price,
  latest.change_24h::text as change_24h, (to_json(latest.time at time zone 'UTC') #>> '{}') || 'Z' as time
from (
  select distinct on (p.coin_id) p.coin_id, p.symbol, p.name, p.exchange_id, p.usd_price, p.change_24h, p.time
  from public.crypto_prices p
  where p.time > coalesce($1::timestamptz, now()) - $2::interval
    and p.time <= coalesce($1::timestamptz, 'infinity')
    and p.change_24h is not null
  order by p.coin_id, p.time desc, p.id desc
) latest
order by latest.change_24h desc, latest.coin_id
limit $3::integer
