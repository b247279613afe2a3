-- Creates the monthly partition that contains a date and returns it. The table is named as in SQL.
-- since: 1.5.0
create or replace function public.create_monthly_partition(table_name text, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name::pg_catalog.regclass, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
