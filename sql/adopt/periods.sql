-- The periods from the oldest to the newest row of a table that is not partitioned yet, and some ahead of now: one row a
-- period, on the grid of qicore.grid_start and with the boundaries of qicore.local_start, whose texts are put in place of the calls
-- (src/catalog/calendar-sql.ts).
-- $1 months or 0, $2 hours or 0, $3 pattern of to_char for the suffix of the name, $4 time zone, $5 whether the key is a
-- local time, $6 oldest and $7 newest key as text of microseconds since 1970 (null: no rows), $8 periods ahead of now.
-- `start` and `stop` are microseconds since 1970. Takes no lock. TimescaleDB: not needed.
with ends as (
  select to_timestamp($6::numeric / 1000000) at time zone case when $5::boolean then 'UTC' else $4::text end as oldest,
    to_timestamp($7::numeric / 1000000) at time zone case when $5 then 'UTC' else $4 end as newest,
    statement_timestamp() at time zone $4 as now,
    case when $1::int > 0 then make_interval(months => $1) else make_interval(hours => $2::int) end as step
), grid as (
  select e.step, e.newest, e.now, at.which, qicore.grid_start(at.local, $1, $2) as begin
  from ends e cross join lateral (values ('oldest', least(e.oldest, e.now)), ('now', e.now)) as at (which, local)
), period as (
  select local.start, local.start + o.step as stop
  from grid o join grid n on o.which = 'oldest' and n.which = 'now'
  cross join lateral generate_series(o.begin, greatest(o.newest, n.begin + $8::int * o.step), o.step) as local (start)
), edge as (
  select p.start, side.which, case when $5 then side.local at time zone 'UTC' else qicore.local_start(side.local, $4) end as instant
  from period p
  cross join lateral (values ('lower', p.start), ('upper', p.stop)) as side (which, local)
)
select to_char(l.start, $3::text) as suffix, (extract(epoch from l.instant) * 1000000)::int8::text as start,
  (extract(epoch from u.instant) * 1000000)::int8::text as stop
from edge l join edge u on u.start = l.start and u.which = 'upper'
where l.which = 'lower' and l.instant < u.instant
order by l.start
