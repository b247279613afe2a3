-- Shows that the run locks are still ours and keeps them so until this transaction ends: KEY SHARE lets the
-- heartbeat update the rows and lets no other run take them over. Where one is lost this divides by zero: what was sent along
-- with it fails too.
-- $1 text[] of names, $2 bigint[] of their tokens. TimescaleDB: not needed.
with held as (
  select l.name
  from unnest($1::text[], $2::bigint[]) as mine (name, token)
  join qicore.run_lock l on l.name = mine.name and l.token = mine.token and l.released_at is null
  for key share of l
)
select 1 / (count(*) = cardinality($1::text[]))::int as held from held
