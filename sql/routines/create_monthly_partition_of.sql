-- The same for a table given as regclass, which does not convert to text implicitly.
-- since: 1.5.0
create or replace function public.create_monthly_partition(table_name regclass, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
