-- The table that each relation belongs to, as users name it: a partition belongs to the root of its tree.
-- $1 int8[] of oids. Locks nothing. TimescaleDB: not needed.
with recursive up as (
  select o.oid as asked, o.oid::oid as at from unnest($1::int8[]) as o (oid)
  union all
  select u.asked, i.inhparent from up u join pg_inherits i on i.inhrelid = u.at
)
select u.asked as relation, n.nspname as schema, c.relname as table
from up u
join pg_class c on c.oid = u.at
join pg_namespace n on n.oid = c.relnamespace
where not exists (select from pg_inherits i where i.inhrelid = u.at)
