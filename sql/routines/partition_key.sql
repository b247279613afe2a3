-- How the key of a range-partitioned table stores time: timestamptz, timestamp, date, s, ms, us, ns (integers), uuid
-- (UUIDv7) or ulid (text). An error names a key that is none.
-- `unit` is that of an integer, `format` that of a text; null if they are not declared.
-- since: core.1.2.0
create or replace function qicore.partition_key(parent regclass, unit text default null, format text default null)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  type oid;
  ordered boolean;
begin
  select a.atttypid,
    case when p.partcollation[0] = 100
      then (select case coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') when 'c' then d.datcollate in ('C', 'POSIX') else to_jsonb(d) ->> 'datlocprovider' = 'b' end from pg_database d where d.datname = current_database())
      else (select l.collprovider = 'b' or l.collcollate in ('C', 'POSIX') or l.collname = 'ucs_basic' from pg_collation l where l.oid = p.partcollation[0])
    end
  into type, ordered
  from pg_partitioned_table p
  join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
  where p.partrelid = parent and p.partstrat = 'r' and p.partnatts = 1;
  if not found then
    raise exception using errcode = '42809', message = pg_catalog.format('%s is not partitioned by range of one column', parent);
  end if;
  if type = 'timestamptz'::regtype then return 'timestamptz'; end if;
  if type = 'timestamp'::regtype then return 'timestamp'; end if;
  if type = 'date'::regtype then return 'date'; end if;
  if type = 'uuid'::regtype then return 'uuid'; end if;
  if type in ('int4'::regtype, 'int8'::regtype) and unit in ('s', 'ms', 'us', 'ns') then return unit; end if;
  if type in ('text'::regtype, 'varchar'::regtype) and format = 'ulid' then
    if ordered then return 'ulid'; end if;
    raise exception using errcode = '42809',
      message = pg_catalog.format('%s is partitioned by a text whose collation does not order ULIDs by time: only the collation "C" does', parent);
  end if;
  raise exception using errcode = '42809',
    message = pg_catalog.format('%s is partitioned by a column of type %s, not by a date or a time', parent, format_type(type, null));
end
$$;
