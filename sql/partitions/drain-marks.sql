-- Tables that a drain was filling and has not attached, with the comment that says so.
-- $1 beginning of such a comment. Takes no lock. TimescaleDB: not needed.
select format('%I.%I', n.nspname, c.relname) as relation, n.nspname as schema, c.relname as partition, d.description as comment
from pg_description d
join pg_class c on c.oid = d.objoid and c.relkind in ('r', 'p') and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and starts_with(d.description, $1)
order by 1
