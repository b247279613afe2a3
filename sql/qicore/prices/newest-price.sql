-- The time of the newest price of some coins or on one exchange.
-- $1 text[] of coins (null: any), $2 exchange (null: any), $3 instant up to which (null: any), $4 true: only prices
-- with a 24 h change.
-- One row, or none if there is no such price. TimescaleDB: not needed.
select (to_json(p.time at time zone 'UTC') #>> '{}') || 'Z' as time
from public.crypto_prices p
where ($1::text[] is null or p.coin_id = any ($1::text[]))
  and ($2::text is null or p.exchange_id = $2::text)
  and p.time <= coalesce($3::timestamptz, 'infinity')
  and (not $4::boolean or p.change_24h is not null)
order by p.time desc
limit 1
