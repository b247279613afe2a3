-- Chunks and partitions in another tablespace than their table.
-- $1 oid[] of chunks, $2 oid[] of their tables. One row a table and tablespace, with the first twenty names as SQL reads
-- them. Locks catalogues only. TimescaleDB: not needed.
select r.oid::int8 as root, coalesce(theirs.spcname, 'pg_default') as tablespace, coalesce(own.spcname, 'pg_default') as home,
  count(*)::int as chunks, (array_agg(format('%I.%I', n.nspname, c.relname) order by c.oid))[:20] as names
from unnest($1::oid[], $2::oid[]) as wanted (relation, root)
join pg_class c on c.oid = wanted.relation and c.relkind = 'r'
join pg_namespace n on n.oid = c.relnamespace
join pg_class r on r.oid = wanted.root
left join pg_tablespace theirs on theirs.oid = c.reltablespace
left join pg_tablespace own on own.oid = r.reltablespace
where c.reltablespace <> r.reltablespace
group by r.oid, theirs.spcname, own.spcname
order by r.oid
