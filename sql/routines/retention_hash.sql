-- The hash of what was confirmed when a retention was applied: the object and every setting that decides what is
-- dropped. A retention whose settings are changed afterwards has another hash and is not confirmed.
-- since: core.1.3.0
create or replace function qicore.retention_hash(object text, config jsonb)
returns text
language sql
immutable
as $$
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to((
    pg_catalog.jsonb_build_array(object, config -> 'after', config -> 'maxDropPerRun', config -> 'timeUnit')
    -- Only a retention with stages or an export has them, so that the hash of any other is what it was.
    || case when config ? 'export' then pg_catalog.jsonb_build_array(config -> 'export', config -> 'drop') else '[]' end
    || case when config ? 'detach' then pg_catalog.jsonb_build_array(config -> 'detach', config -> 'archive', config -> 'drop') else '[]' end
  )::text, 'UTF8')), 'hex')
$$;
