-- Tables that a publication lists by name, with how many of their chunks the same publication sends.
-- $1 oid[] of hypertables, $2 oid[] of their chunks, $3 oid[] of the hypertable of each chunk, in the same order.
-- Locks nothing. TimescaleDB: not needed.
with chunk as (
  select c.relation, c.root from unnest($2::oid[], $3::oid[]) as c (relation, root)
)
select p.pubname as publication, r.prrelid::int8 as root,
  (select count(*)::int from chunk c where c.root = r.prrelid) as chunks,
  (
    select count(*)::int from chunk c
    where c.root = r.prrelid and c.relation in (select t.relid from pg_get_publication_tables(p.pubname) t)
  ) as published
from pg_publication p
join pg_publication_rel r on r.prpubid = p.oid
where r.prrelid = any ($1::oid[])
order by 1, 2
