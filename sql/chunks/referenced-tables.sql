-- Tables that a table references by foreign keys: every drop of a chunk locks them ACCESS EXCLUSIVE.
-- $1 oid of the table. TimescaleDB: not needed.
select distinct format('%I.%I', n.nspname, c.relname) as name
from pg_constraint k
join pg_class c on c.oid = k.confrelid
join pg_namespace n on n.oid = c.relnamespace
where k.conrelid = $1::oid and k.contype = 'f'
order by 1
