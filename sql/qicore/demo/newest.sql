-- The newest sample row of every series, in Unix seconds; the demo adds rows from there on.
-- No parameters. TimescaleDB: not needed. Only for the demo's few hundred thousand rows.
select 'ohlcv_data' as table, coin_id || '/' || exchange_id || '/' || timeframe as series,
  extract(epoch from max(time))::float8 as newest
from public.ohlcv_data where source = 'demo' group by 1, 2
union all
select 'crypto_prices', coin_id || '/' || exchange_id, extract(epoch from max(time))::float8
from public.crypto_prices where source = 'demo' group by 1, 2
union all
select 'level1_data', ticker || '/' || exchange, extract(epoch from max(time))::float8
from public.level1_data where source = 'demo' group by 1, 2
union all
select 'market_analytics', exchange_id, extract(epoch from max(time))::float8
from public.market_analytics where source = 'demo' group by 1, 2
