-- Which snapshots are older than an interval, by days.
-- $1 date of today, $2 interval text. TimescaleDB: not needed. One row: the first day that is kept, the number of older rows.
select
  ($1::date - $2::interval)::date::text as keep_from,
  (select count(*) from qicore.size_snapshot s where s.day < ($1::date - $2::interval)::date) as rows
