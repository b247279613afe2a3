-- Tables of which policies of row level security hide rows from this role.
-- $1 oid[] of tables. Locks nothing. TimescaleDB: not needed.
select t.oid::int8 as root
from unnest($1::oid[]) as t (oid)
join pg_class c on c.oid = t.oid
where c.relrowsecurity and row_security_active(c.oid)
