-- Names as SQL reads them, as it would write them; null where there is no such relation. Asks no lock. By the catalogue:
-- to_regclass is an error where this role may not look into the schema.
-- $1 text[] of schema.name. TimescaleDB: not needed.
select given.name, (
  select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = (parse_ident(given.name))[1]::name and c.relname = (parse_ident(given.name))[2]::name
) as relation
from unnest($1::text[]) with ordinality as given (name, position)
order by given.position
