-- Which of these objects are continuous aggregates of TimescaleDB.
-- $1 text[] of aggregates as SQL reads them. TimescaleDB: 2.15
select asked.object
from unnest($1::text[]) as asked (object)
join pg_class c on c.oid = to_regclass(asked.object)
join pg_namespace n on n.oid = c.relnamespace
join timescaledb_information.continuous_aggregates a on a.view_schema = n.nspname and a.view_name = c.relname
