-- Returns the stages of a retention that are due for the detached partitions of a table, the oldest first: move, export
-- and drop. `why`: what keeps this routine from it; null if it may be carried out. Only tables that qicore-db detached and
-- that were not attached, detached or altered since are returned. src/partitions/retain/stages.ts decides the same.
-- since: core.1.19.0
-- requires: retain_scale
create or replace function qicore.retain_stages(subject regclass, policy jsonb)
returns table (id bigint, relation text, task text, label text, why text)
language plpgsql
as $$
declare
  per_second constant numeric := case policy ->> 'timeUnit' when 's' then 1 when 'ms' then 1000 when 'us' then 1000000 when 'ns' then 1000000000 end;
  archive constant jsonb := policy -> 'archive';
  scale record;
  archive_before bigint;
  drop_before bigint;
  fresh boolean := false;
begin
  if archive is not null then
    select s.* into scale from qicore.retain_scale(subject, policy || jsonb_build_object('after', archive ->> 'after')) s;
    archive_before := floor(scale.cutoff * coalesce(1000000 / per_second, 1));
  end if;
  if policy ? 'drop' then
    select s.* into scale from qicore.retain_scale(subject, policy || jsonb_build_object('after', policy ->> 'drop')) s;
    drop_before := floor(scale.cutoff * coalesce(1000000 / per_second, 1));
    execute format('select exists (select 1 from %s where %I >= %s and %I <= %s)', subject, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
    into fresh;
  end if;
  return query
  with recursive ours as (
    select d.*, format('%I.%I', n.nspname, c.relname) as name, n.nspname
    from qicore.detached_partition d
    join pg_class s on s.oid = subject
    join pg_namespace sn on sn.oid = s.relnamespace
    join pg_class c on c.oid = d.relation and not c.relispartition
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = d.key_column and a.xmin::text = d.detached_xid
    where d.set_schema = sn.nspname and d.set_table = s.relname and d.detached_at is not null and d.dropped_at is null
  ), below as (
    select o.id as of, o.relation as oid from ours o
    union all
    select b.of, i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
  ), elsewhere as (
    select distinct b.of
    from below b
    join pg_class c on c.oid = b.oid or c.oid in (select x.indexrelid from pg_index x where x.indrelid = b.oid)
    join pg_database home on home.datname = current_database()
    join pg_tablespace t on t.oid = coalesce(nullif(c.reltablespace, 0), home.dattablespace)
    where c.relkind in ('r', 'i') and t.spcname <> archive ->> 'tablespace'
  ), due as (
    select o.*, coalesce(o.range_end <= drop_before, false) as gone, coalesce(o.range_end <= archive_before, false) as old,
      archive ? 'export' and o.exported_at is null as unexported
    from ours o
  )
  select t.id, t.name, t.what, concat(t.lower_bound, ' to ', t.upper_bound), t.reason
  from (
    select d.*, 1 as place, 'move' as what, null::text as reason
    from due d
    where d.old and not d.gone and (d.nspname <> archive ->> 'schema' or d.id in (select e.of from elsewhere e))
    union all
    select d.*, 2, 'export', 'it is exported by a daemon or by the command partitions retain, not by this routine'
    from due d where (d.old or d.gone) and d.unexported
    union all
    select d.*, 3, 'drop', case
        when archive ? 'export' then 'its export is verified before the drop by a daemon or by the command partitions retain, not by this routine'
        when d.counted_at is null then 'the aggregates may not have computed all of its rows'
        when not fresh then 'the newest row is older than the retention, so this may be the last copy'
      end
    from due d where d.gone
  ) t
  order by t.range_end, t.id, t.place;
end
$$;
