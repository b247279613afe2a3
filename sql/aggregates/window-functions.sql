-- The definitions of functions, as CREATE FUNCTION statements.
-- $1 text[] of names of functions, quoted as in SQL. One row each: name, query. TimescaleDB: not needed
select f.name, pg_get_functiondef(to_regproc(f.name)) as query
from unnest($1::text[]) as f (name)
where to_regproc(f.name) is not null
