-- Creates the function that copies the rows of a hypertable or a set between two values of its time column (null: no
-- bound). Like copy_rows for an ordinary table, whose blocks these do not have. TimescaleDB: not needed.
create function copy_range(from_key text, to_key text) returns void
language plpgsql
set search_path from current
set row_security = off
set jit = off
as $$
declare
  at state;
  type text;
  copied boolean;
begin
  select * into at from state for update;
  select format_type(atttypid, atttypmod) into type from pg_attribute where attrelid = at.source and attname = at."column";
  execute format('select coalesce(%L::%s >= %L::%s, false)', nullif(at.copied_to, '*'), type, to_key, type) into copied;
  if at.phase <> 'copying' or at.copied_to = '*' or copied then
    return;
  end if;
  if at.copied_to is distinct from from_key then
    raise exception using errcode = '55000', message = format('the rows of %s are copied up to %s, not %s', at.source::regclass, at.copied_to, from_key),
      hint = 'Run the command again: it continues there.';
  end if;
  perform set_config('qicore.adopt_copying', 'on', true);
  execute format('insert into %1$s (%2$s) overriding system value select %3$s from %4$s t where true%5$s%6$s',
    at.shadow::regclass, at.written, at.selected, at.source::regclass,
    case when from_key is not null then format(' and t.%I >= %L', at."column", from_key) end,
    case when to_key is not null then format(' and t.%I < %L', at."column", to_key) end);
  update state set copied_to = coalesce(to_key, '*');
end
$$
