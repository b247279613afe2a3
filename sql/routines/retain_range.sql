-- Drops the chunks of one range together, or one partition, and returns null; or returns why they must not be dropped.
-- The check runs twice: without a lock, so that a range that is kept blocks no session, and again with a lock that
-- conflicts with writers only, because a row that is committed between the check and the drop would be lost. The check
-- can read the rows, so readers do not wait for it, only for the drop.
-- The chunks of a range are dropped together: if one were missing, the next refresh of a late row in another would
-- compute the bucket from the rest only.
-- since: core.1.3.0
create or replace function qicore.retain_range(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  partitioned constant boolean := exists (select from pg_partitioned_table where partrelid = subject);
  reason text;
begin
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is not null then
    return reason;
  end if;
  -- A lock on a partition covers its sub-partitions. The drop locks the parent first: a session that reads through the
  -- parent and had to wait here would then deadlock with the drop.
  execute case
    when partitioned then format('lock table %s in exclusive mode', relations[1])
    else format('lock table only %s in exclusive mode', array_to_string(relations, ', only '))
  end;
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is null then
    -- The range of a partition may be open: there is no literal for its end, and its name is enough.
    perform qicore.retain_drop(subject, relation, case when not partitioned then qicore.retain_literal(column_type, low) end,
      case when not partitioned then qicore.retain_literal(column_type, high) end)
    from unnest(relations) as relation;
  end if;
  return reason;
end
$$;
