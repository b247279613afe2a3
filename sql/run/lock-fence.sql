-- Checks that this run still holds its locks, and keeps them until the transaction ends: KEY SHARE allows the heartbeat
-- to update the rows but prevents a takeover. If a lock is lost, it raises division_by_zero, which aborts every
-- statement pipelined behind it.
-- $1 text[] of names, $2 bigint[] of their tokens. TimescaleDB: not needed.
with held as (
  select l.name
  from unnest($1::text[], $2::bigint[]) as mine (name, token)
  join qicore.run_lock l on l.name = mine.name and l.token = mine.token and l.released_at is null
  for key share of l
)
select 1 / (count(*) = cardinality($1::text[]))::int as held from held
