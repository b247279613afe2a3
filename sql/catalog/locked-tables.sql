-- Tables that a reader would have to wait for: a session holds ACCESS EXCLUSIVE on the table, one of its indexes or its
-- TOAST table, or waits for it (new readers queue behind that). Locks nothing itself. TimescaleDB: not needed.
with taken as materialized (
  select distinct l.relation from pg_locks l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid is distinct from pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
), heap as materialized (
  select coalesce(i.indrelid, t.relation) as oid from taken t left join pg_index i on i.indexrelid = t.relation
)
select coalesce(owner.oid, h.oid)::int8 as relation
from heap h
left join pg_class c on c.oid = h.oid
left join pg_class owner on c.relkind = 't' and owner.reltoastrelid = c.oid
