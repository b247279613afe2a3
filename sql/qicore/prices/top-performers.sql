-- The coins that rose most in 24 hours, by the newest price of each within a span of time, wherever it comes from.
-- $1 the instant that is now (null: the server's clock), $2 how far back (interval), $3 how many.
-- One row a coin, the highest change first. TimescaleDB: not needed.
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
