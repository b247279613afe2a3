-- The installed routines of this program: their record, and whether the source in the database matches the file.
-- Requires qicore.routines. A view has no source to compare.
-- $1 text[] of file names, $2 text[] of schemas, $3 text[] of names, $4 text[] of SHA-256 of sources, empty for a view.
-- One row per routine of the list. TimescaleDB: not needed.
select f.file as name, r.checksum, r.program, r.applied_at as "appliedAt", found.present, found.same
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as f (file, in_schema, routine, source)
left join qicore.routines r on r.name = f.file
cross join lateral (
  select
    case when f.source = '' then to_regclass(format('%I.%I', f.in_schema, f.routine)) is not null else count(p.oid) > 0 end as present,
    case when f.source = '' then to_regclass(format('%I.%I', f.in_schema, f.routine)) is not null
      else coalesce(bool_or(encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') = f.source), false) end as same
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = f.in_schema and p.proname = f.routine
) found
