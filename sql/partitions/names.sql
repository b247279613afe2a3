-- The qualified names of relations, quoted as SQL writes them; null if the relation does not exist. Takes no lock.
-- Reads
-- the catalog: to_regclass raises an error if this role lacks USAGE on the schema.
-- $1 text[] of schema.name. TimescaleDB: not needed.
select given.name, (
  select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = (parse_ident(given.name))[1]::name and c.relname = (parse_ident(given.name))[2]::name
) as relation
from unnest($1::text[]) with ordinality as given (name, position)
order by given.position
