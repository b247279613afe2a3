-- The same for a table that is known by its regclass: a text argument would not take one.
-- since: 1.5.0
create or replace function public.create_monthly_partition(table_name regclass, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
