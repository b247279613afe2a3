-- Tables that a run of ours detached to drop and then did not: they carry its comment.
-- $1 text[] of the sets they belonged to as SQL reads them, $2 what such a comment begins with. Sizes wait for no lock of somebody
-- who holds one of them exclusively: it has none then. TimescaleDB: not needed.
select parent, format('%I.%I', n.nspname, c.relname) as relation, n.nspname as schema, c.relname as partition, c.relkind as kind,
  extract(epoch from substring(d.description from ' to ([0-9]{4,}-[0-9-]{5}T[0-9:.]+Z)(?:,|$)')::timestamptz)::float8 as to_epoch,
  case when not exists (
    select from pg_locks l where l.relation = c.oid and l.granted and l.mode = 'AccessExclusiveLock'
  ) then pg_total_relation_size(c.oid) end as bytes
from unnest($1::text[]) as parent
join pg_description d on starts_with(d.description, $2::text || parent || ', from ')
join pg_class c on c.oid = d.objoid and c.relkind in ('r', 'f') and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
where d.classoid = 'pg_class'::regclass and d.objsubid = 0
order by to_epoch, relation
