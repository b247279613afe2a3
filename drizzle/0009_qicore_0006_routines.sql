create view public.schema_versions as
select version, applied_at, description, stream, engine, checksum, duration_ms
from qicore.schema_versions;
--> statement-breakpoint
create view public.maintenance_log as
select id, operation, completed_at, job, scheduled_at, started_at, status, attempts, actor, target_host, detail, error
from qicore.maintenance_log;
--> statement-breakpoint
create function public.create_monthly_partition(table_name text, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name::pg_catalog.regclass, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
--> statement-breakpoint
create function public.create_monthly_partition(table_name regclass, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
--> statement-breakpoint
create procedure public.maintain_hypertables()
language plpgsql
as $$
begin
  call qicore.maintain(array['public.crypto_prices', 'public.ohlcv_data', 'public.market_analytics', 'public.level1_data']);
end
$$;
