-- The partition of the month that a date lies in, by the table's name as SQL reads it. Any day of the month will do.
-- since: 1.5.0
create or replace function public.create_monthly_partition(table_name text, start_date date)
returns regclass
language sql
as $$
  select qicore.create_partition(table_name::pg_catalog.regclass, 'month', start_date::pg_catalog.timestamp at time zone 'UTC')
$$;
