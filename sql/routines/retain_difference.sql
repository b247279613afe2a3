-- Returns why a range is not covered although the logs of TimescaleDB record it as computed: the first aggregate over the
-- table whose log cannot be relied on (qicore.bucket_comparisons) and whose stored rows differ from their current result.
-- Null if there is none.
-- It compares the buckets that begin in the range, because a row that the log leaves out is at the start of a bucket. All
-- of their rows must still exist: a later range is kept as long as an older one has rows of the same bucket.
-- since: core.1.3.0
-- requires: bucket_comparisons
create or replace function qicore.retain_difference(subject regclass, hypertable integer, low bigint, high bigint)
returns text
language plpgsql
as $$
declare
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
  microsecond constant interval := '1 microsecond';
  program constant text := 'qicore-db';
  aggregate record;
  comparison text;
  answer boolean;
  window_start timestamptz;
  window_end timestamptz;
begin
  for aggregate in
    -- The bucket of each end of the range: its start, and the first start at or after the end.
    select c.id, c.view, min(c.since) filter (where c.place = 1) as first_bucket,
      max(c.until) filter (where c.place = 1) as since, max(c.until) filter (where c.place = 2) as until
    from qicore.coverage(hypertable, array[low, high], array[low, high], null) c
    where c.level = 1 group by 1, 2 order by 2
  loop
    select c.differs into comparison
    from qicore.bucket_comparisons(array[aggregate.id], array[aggregate.since], array[aggregate.until]) c;
    continue when not found;
    if exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_difference.low and p.high > aggregate.first_bucket) then
      return format('an older range with rows of the bucket of %s from %s is still there', aggregate.view, epoch + aggregate.first_bucket * microsecond);
    end if;
    continue when aggregate.since >= aggregate.until;
    execute 'select ' || comparison into strict answer;
    continue when not answer;
    window_start := epoch + aggregate.since * microsecond;
    window_end := epoch + aggregate.until * microsecond;
    return format('%s has not covered %s to %s: its result differs from the rows, although TimescaleDB recorded no change (its issue 10296). '
      'To compute it: `%s aggregates refresh %s --from %s --to %s`',
      aggregate.view, window_start, window_end, program, aggregate.view,
      to_char(window_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
  end loop;
  return null;
end
$$;
