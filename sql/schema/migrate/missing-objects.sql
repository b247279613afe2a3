-- Returns those of some objects that do not exist.
-- $1 text[] of kinds (schema, relation, routine, trigger, constraint), $2 text[] of names as SQL reads them, $3 text[]
-- of the tables of triggers and constraints. One row per missing object. TimescaleDB: not needed.
select wanted.kind, wanted.name, wanted.of_table as "on"
from unnest($1::text[], $2::text[], $3::text[]) as wanted (kind, name, of_table)
where case wanted.kind
  when 'schema' then not exists (select from pg_namespace n where n.nspname = wanted.name)
  when 'relation' then to_regclass(wanted.name) is null
  when 'routine' then not exists (
    select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where array[n.nspname, p.proname]::text[] = parse_ident(wanted.name)
  )
  when 'trigger' then not exists (select from pg_trigger t where t.tgrelid = to_regclass(wanted.of_table) and t.tgname = wanted.name)
  else not exists (select from pg_constraint k where k.conrelid = to_regclass(wanted.of_table) and k.conname = wanted.name)
end
