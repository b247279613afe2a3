-- Whether a routine is recorded with this checksum and its source in the database matches the file.
-- $1 file name, $2 checksum, $3 schema, $4 name, $5 SHA-256 of the source, empty for a view.
-- One row. TimescaleDB: not needed.
select exists (select from qicore.routines r where r.name = $1 and r.checksum = $2)
  and case when $5 = '' then to_regclass(format('%I.%I', $3::text, $4::text)) is not null
    else exists (
      select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = $3 and p.proname = $4 and encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') = $5
    )
  end as done
