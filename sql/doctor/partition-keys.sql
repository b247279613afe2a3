-- Foreign keys into partitioned tables: a partition cannot be detached while a row of the other table refers to it.
-- One row a key. Locks catalogues only. TimescaleDB: not needed.
select p.oid::int8 as parent, quote_ident(k.conname) as name, format('%I.%I', n.nspname, c.relname) as "table"
from pg_constraint k
join pg_class p on p.oid = k.confrelid and p.relkind = 'p' and not p.relispartition
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0
order by 3, 2
