-- version: 1.5.0
-- description: Routines and views in public

-- The versions under the name that the tables' users know.
create view public.schema_versions as
select version, applied_at, description, stream, engine, checksum, duration_ms
from qicore.schema_versions;

-- The ledger under the name that the tables' users know; operation and completed_at can be inserted.
create view public.maintenance_log as
select id, operation, completed_at, job, scheduled_at, started_at, status, attempts, actor, target_host, detail, error
from qicore.maintenance_log;

-- The partition of the month that a date lies in, by the table's name as SQL reads it. Any day of the month will do.
create function public.create_monthly_partition(table_name text, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name::pg_catalog.regclass, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;

-- The same for a table that is known by its regclass: a text argument would not take one.
create function public.create_monthly_partition(table_name regclass, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;

-- The maintenance of the tables of QiCore, for a schedule: CALL maintain_hypertables()
create procedure public.maintain_hypertables()
language plpgsql
as $$
begin
  call qicore.maintain(array['public.crypto_prices', 'public.ohlcv_data', 'public.market_analytics', 'public.level1_data']);
end
$$;
