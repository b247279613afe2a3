-- Drops the chunks of one range together, or a partition, if nothing speaks against it. Gives what does, and null where
-- they are gone. Asked twice: without a lock first, so that what cannot be dropped blocks no session, then with the lock
-- that the drop needs, since a row that is committed between the check and the drop would be lost.
-- One range at a time: with one of its chunks gone, the next refresh of a late row in another would compute the bucket
-- from what is left.
-- since: core.1.3.0
create or replace function qicore.retain_range(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  reason text;
begin
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is not null then
    return reason;
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    -- Against writers only, also of its own partitions: dropping it locks the parent first, and who reads through the
    -- parent and waited here would wait for us as we for him.
    execute format('lock table %s in exclusive mode', relations[1]);
  else
    execute format('lock table only %s in access exclusive mode', array_to_string(relations, ', only '));
  end if;
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is null then
    perform qicore.retain_drop(subject, relation, qicore.retain_literal(column_type, low), qicore.retain_literal(column_type, high))
    from unnest(relations) as relation;
  end if;
  return reason;
end
$$;
