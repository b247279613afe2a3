-- Tables that have the mark of an intended drop and are not a partition, with the comment and the transaction that last
-- changed their row in pg_class. The size is null if another session has locked the table ACCESS EXCLUSIVE.
-- $1 beginning of such a comment. Takes no lock. TimescaleDB: not needed.
select format('%I.%I', n.nspname, c.relname) as relation, n.nspname as schema, c.relname as partition, c.relkind as kind,
  d.description as comment, c.xmin::text as changed_by,
  case when not exists (
    select from pg_locks l where l.relation = c.oid and l.granted and l.mode = 'AccessExclusiveLock'
  ) then pg_total_relation_size(c.oid) end as bytes
from pg_description d
join pg_class c on c.oid = d.objoid and c.relkind in ('r', 'f', 'p') and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and starts_with(d.description, $1)
