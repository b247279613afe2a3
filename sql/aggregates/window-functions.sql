-- The definitions of some functions, as CREATE FUNCTION.
-- $1 text[] of the functions as SQL reads them. One row each: name, query. TimescaleDB: not needed
select f.name, pg_get_functiondef(to_regproc(f.name)) as query
from unnest($1::text[]) as f (name)
where to_regproc(f.name) is not null
