-- The newest price of some coins on each exchange within a time span.
-- $1 text[] of coins, $2 the current time (null: the server's clock), $3 maximum age (interval).
-- One row per coin and exchange. TimescaleDB: not needed.
select latest.coin_id, latest.symbol, latest.name, latest.exchange_id, latest.usd_price::text as usd_price,
  (to_json(latest.time at time zone 'UTC') #>> '{}') || 'Z' as time
from (
  select distinct on (p.coin_id, p.exchange_id) p.coin_id, p.symbol, p.name, p.exchange_id, p.usd_price, p.time
  from public.crypto_prices p
  where p.coin_id = any ($1::text[])
    and p.time > coalesce($2::timestamptz, now()) - $3::interval
    -- Without --as-of, a price slightly ahead of the server's clock still counts as the newest.
    and p.time <= coalesce($2::timestamptz, 'infinity')
  order by p.coin_id, p.exchange_id, p.time desc, p.id desc
) latest
order by latest.coin_id, latest.exchange_id
