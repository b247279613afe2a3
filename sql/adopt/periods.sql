-- The periods from the oldest to the newest row of a table, and some ahead of now: one row a period.
-- $1 name of the table, $2 type of its key, $3 month or day, $4 time zone, $5 oldest and $6 newest value of the key as
-- text (null: no rows), $7 periods ahead of now. Takes no lock. TimescaleDB: not needed.
with ends as (
  select case when $2 = 'timestamp with time zone' then ($5::text)::timestamptz at time zone $4 else ($5::text)::timestamp end as oldest,
    case when $2 = 'timestamp with time zone' then ($6::text)::timestamptz at time zone $4 else ($6::text)::timestamp end as newest,
    statement_timestamp() at time zone $4 as now, case $3 when 'day' then interval '1 day' else interval '1 month' end as step
), period as (
  select local.start, local.start + e.step as stop,
    to_char(local.start, case $3 when 'day' then '"_y"FMYYYY"m"MM"d"DD' else '"_y"FMYYYY"m"MM' end) as suffix
  from ends e
  cross join lateral generate_series(
    date_trunc($3, least(e.oldest, e.now)),
    greatest(date_trunc($3, e.newest), date_trunc($3, e.now) + $7::int * e.step), e.step) as local (start)
)
select case when octet_length($1 || p.suffix) <= 63 then $1 || p.suffix else (
    select left($1, max(size)) || '_' || left(md5($1), 8) || p.suffix from generate_series(1, length($1)) as size
    where octet_length(left($1, size)) + 9 + octet_length(p.suffix) <= 63
  ) end as partition,
  case $2 when 'date' then p.start::date::text when 'timestamp without time zone' then p.start::text else (p.start at time zone $4)::text end as lower,
  case $2 when 'date' then p.stop::date::text when 'timestamp without time zone' then p.stop::text else (p.stop at time zone $4)::text end as upper
from period p
order by p.start
