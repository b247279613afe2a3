-- The coins and exchanges of the newest 10 000 prices: a complete list would require a scan of the whole table.
-- One row per coin and exchange, with the names of the coin. No parameters. TimescaleDB: not needed.
select recent.coin_id, recent.symbol, recent.name, recent.exchange_id
from (
  select p.coin_id, p.symbol, p.name, p.exchange_id
  from public.crypto_prices p
  order by p.time desc
  limit 10000
) recent
group by recent.coin_id, recent.symbol, recent.name, recent.exchange_id
order by recent.coin_id, recent.exchange_id, recent.symbol, recent.name
