-- Whether a table has a chunk or a partition for any time of a range.
create function qicore.retain_holds(subject regclass, since bigint, until bigint)
returns boolean
language sql
as $$
  select exists (select from qicore.retain_pieces(subject, 0) p where p.low < until and p.high > since)
$$;
