-- Names as SQL reads them, as it would write them; null where there is no such relation. Asks no lock.
-- $1 text[] of names. TimescaleDB: not needed.
select given.name, (
  select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(given.name)
) as relation
from unnest($1::text[]) with ordinality as given (name, position)
order by given.position
