-- Returns a point on the time scale of a table as an SQL literal of its column's type.
-- since: core.1.3.0
-- requires: partition_bound
create or replace function qicore.retain_literal(column_type regtype, point bigint)
returns text
language sql
stable
as $$
  select case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then pg_catalog.format('%L::%s', point, column_type)
    -- A version 7 UUID begins with its time in milliseconds. This is the smallest one of that time: TimescaleDB refuses to
    -- compare the key of a hypertable with a UUID of another version.
    when column_type = 'uuid'::regtype then pg_catalog.format('%L::uuid',
      pg_catalog.lpad(pg_catalog.to_hex(point / 1000), 12, '0') || '70008000000000000000')
    when column_type in ('text'::regtype, 'varchar'::regtype) then
      pg_catalog.quote_literal(qicore.partition_bound('ulid', timestamptz '1970-01-01 00:00:00+00' + point * interval '1 microsecond'))
    else pg_catalog.format('%L::%s', (timestamptz '1970-01-01 00:00:00+00' + point * interval '1 microsecond') at time zone 'UTC',
      case column_type when 'timestamptz'::regtype then 'timestamp at time zone ''UTC''' else column_type::text end)
  end
$$;
