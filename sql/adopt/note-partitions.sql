-- Creates the function that checks what was done to the partitions of a set since its changes are recorded. The keys of a
-- partition that was attached or created are recorded, because its rows may have been written before. Raises an error if
-- one was detached, dropped, truncated or rewritten: no trigger recorded that. Does nothing for other tables.
-- TimescaleDB: not needed.
create function note_partitions() returns void
language plpgsql
set search_path from current
set row_security = off
as $$
declare
  at state;
  part record;
begin
  select * into at from state for update;
  for part in
    with now as (
      select t.relid::oid as relation, pg_relation_filenode(t.relid) as filenode
      from pg_class c cross join lateral pg_partition_tree(c.oid) t where c.oid = at.source and c.relkind = 'p' and t.isleaf
    )
    select coalesce(p.relation, now.relation) as relation, p.relation is null as added, now.filenode
    from parts p full join now using (relation) where p.filenode is distinct from now.filenode
  loop
    if not part.added then
      raise exception using errcode = '55000',
        message = format('the partition %s of %s was detached, dropped, truncated or rewritten after the copy was begun', part.relation::regclass, at.source::regclass),
        hint = 'Remove the copy with --undo and begin again.';
    end if;
    execute format('insert into changes (%s) select %s from only %s t', (select string_agg(format('k%s', n), ', ' order by n) from generate_subscripts(at.key_columns, 1) n),
      (select string_agg(format('t.%I', c), ', ' order by n) from unnest(at.key_columns) with ordinality u (c, n)), part.relation::regclass);
    insert into parts values (part.relation, part.filenode);
  end loop;
end
$$
