-- The end of the name of a partition that begins at a local time: that of its period, or, where it does not begin with
-- one, the day or the hour. `qicore-db partitions` gives the same names.
-- since: core.1.2.0
create or replace function qicore.partition_suffix(period text, at timestamp, whole boolean)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select to_char(at, case
    when whole and period ~ 'year' then '"_y"FMYYYY'
    when whole and period ~ 'quarter' then '"_y"FMYYYY"q"Q'
    when whole and period ~ 'month' then '"_y"FMYYYY"m"MM'
    when whole and period ~ 'week' then '"_y"FMIYYY"w"IW'
    when whole and period ~ 'hour' then '"_y"FMYYYY"m"MM"d"DD"h"HH24'
    when whole or at = date_trunc('day', at) then '"_y"FMYYYY"m"MM"d"DD'
    when at = date_trunc('hour', at) then '"_y"FMYYYY"m"MM"d"DD"h"HH24'
    else '"_y"FMYYYY"m"MM"d"DD"h"HH24MI'
  end)
$$;
