-- Creates the function that copies the rows in a range of blocks. A row that an UPDATE moved to a block that was copied
-- before, or to one that is copied later, is missing or copied twice: its key is in the log, from which it is corrected
-- when all blocks are copied. The new table has no indexes until then: building them afterwards takes a third
-- of the time. TimescaleDB: not needed.
create function copy_rows(first_block bigint, next_block bigint) returns void
language plpgsql
set search_path from current
set row_security = off
set jit = off
as $$
declare
  at state;
begin
  select * into at from state for update;
  next_block := coalesce(next_block, at.blocks);
  if at.phase <> 'copying' or at.copied >= greatest(next_block, 1) then
    return;
  end if;
  -- VACUUM FULL and CLUSTER wait for this lock, so that the blocks stay the same until the end of this transaction.
  execute format('lock table %s in access share mode', at.source::regclass);
  if at.filenode <> pg_relation_filenode(at.source) or at.copied <> first_block then
    raise exception using errcode = '55000',
      message = format('%s was rewritten while it was copied (VACUUM FULL, CLUSTER, TRUNCATE or ALTER TABLE)', at.source::regclass),
      hint = 'Run the command again: it copies the table from its beginning.';
  end if;
  perform set_config('qicore.adopt_copying', 'on', true);
  execute format('insert into %1$s (%2$s) overriding system value select %6$s from %3$s t where ctid >= %4$L and ctid < %5$L',
    at.shadow::regclass, at.written, at.source::regclass, format('(%s,0)', first_block), format('(%s,0)', next_block),
    at.selected);
  update state set copied = greatest(next_block, 1);
end
$$
