-- Checks the rows that a statement wrote into crypto_prices, as they are after the statement. A time more than an hour
-- ahead of the clock is an error. A price that differs by more than half of the older price from another row of its
-- series within the hour before it, or on UPDATE from its own old value, is a warning; `qicore.price_guard = off`
-- disables the warnings.
--
-- Three passes, each over fewer rows: the lowest and highest recent price of each series of the batch; for the series
-- in doubt, those of each hour; then row by row. One index probe for each row takes 20 s for 46 000 rows.
-- Rows that are far apart in time are checked in separate passes, so that the chunks between them are not opened and
-- locked. Two rows eight years apart took 11 s over 1251 chunks in one pass, and take 0.2 s in two.
-- Security definer: a role that may only INSERT has no SELECT privilege for this check.
-- since: 1.4.0
create or replace function qicore.guard_crypto_prices()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A generic plan would open every chunk; a custom plan knows the bounds and excludes the chunks outside of them.
set plan_cache_mode = force_custom_plan
as $$
<<guard>>
declare
  max_warnings constant integer := 20;
  origin constant timestamptz := '2000-01-03 00:00:00+00';
  from_time timestamptz;
  to_time timestamptz;
  coins text[];
  exchanges text[];
  from_times timestamptz[];
  to_times timestamptz[];
  span record;
  outlier record;
  reported integer := 0;
  span_total bigint;
  total bigint := 0;
begin
  select min(n.time) - interval '1 hour', max(n.time) into from_time, to_time from new_rows n;
  if to_time > now() + interval '1 hour' then
    raise exception using errcode = '23514', schema = 'public', table = 'crypto_prices', column = 'time',
      constraint = 'crypto_prices_time_reasonable',
      message = format('crypto_prices: the time %s is more than an hour ahead of the clock', to_time);
  end if;
  if to_time is null or lower(coalesce(current_setting('qicore.price_guard', true), '')) in ('off', 'false', 'no', '0') then
    return null;
  end if;

  for span in
    select min(t.time) - interval '1 hour' as from_time, max(t.time) as to_time
    from (
      select s.time, count(*) filter (where s.apart) over (order by s.time) as island
      from (select n.time, n.time - lag(n.time) over (order by n.time) > interval '1 day' as apart from new_rows n) s
    ) t
    where guard.to_time - guard.from_time > interval '7 days'
    group by t.island
    union all
    select guard.from_time, guard.to_time where guard.to_time - guard.from_time <= interval '7 days'
  loop
    -- A plain join: the planner probes the index for few series and scans the recent hour once for many. Grouping by
    -- a number avoids sorting by two texts.
    with series as materialized (
      select row_number() over () as number, n.coin_id, n.exchange_id, min(n.time) - interval '1 hour' as from_time,
        max(n.time) as to_time, min(n.usd_price) as lowest, max(n.usd_price) as highest
      from new_rows n
      where n.time > span.from_time and n.time <= span.to_time
      group by n.coin_id, n.exchange_id
    ), recent as (
      select s.number, min(p.usd_price) as lowest, max(p.usd_price) as highest
      from series s
      join public.crypto_prices p on p.coin_id = s.coin_id and p.exchange_id = s.exchange_id
        and p.time >= s.from_time and p.time <= s.to_time
      where p.time >= span.from_time and p.time <= span.to_time
      group by s.number
    )
    select array_agg(s.coin_id), array_agg(s.exchange_id), array_agg(s.from_time), array_agg(s.to_time)
    into coins, exchanges, from_times, to_times
    from recent r join series s on s.number = r.number
    where s.highest > 1.5 * r.lowest or s.lowest < 0.5 * r.highest;

    if coins is not null then
      span_total := 0;
      for outlier in
        with doubtful as materialized (
          select d.coin_id, d.exchange_id, d.from_time, d.to_time
          from unnest(coins, exchanges, from_times, to_times) as d (coin_id, exchange_id, from_time, to_time)
        ), hours as materialized (
          select d.coin_id, d.exchange_id, date_bin('1 hour', p.time, origin) as hour,
            min(p.usd_price) as lowest, max(p.usd_price) as highest
          from doubtful d
          join public.crypto_prices p on p.coin_id = d.coin_id and p.exchange_id = d.exchange_id
            and p.time >= d.from_time and p.time <= d.to_time
          where p.time >= span.from_time and p.time <= span.to_time
          group by 1, 2, 3
        ), candidates as materialized (
          select n.id, n.coin_id, n.exchange_id, n.time, n.usd_price
          from new_rows n
          join hours this_hour on this_hour.coin_id = n.coin_id and this_hour.exchange_id = n.exchange_id
            and this_hour.hour = date_bin('1 hour', n.time, origin)
          left join hours hour_before on hour_before.coin_id = n.coin_id and hour_before.exchange_id = n.exchange_id
            and hour_before.hour = this_hour.hour - interval '1 hour'
          where n.usd_price > 1.5 * least(this_hour.lowest, hour_before.lowest)
            or n.usd_price < 0.5 * greatest(this_hour.highest, hour_before.highest)
        )
        select c.coin_id, c.exchange_id, c.time, c.usd_price, other.time as other_time, other.usd_price as other_price,
          count(*) over () as total
        from candidates c
        cross join lateral (
          select p.time, p.usd_price
          from public.crypto_prices p
          where p.coin_id = c.coin_id and p.exchange_id = c.exchange_id and p.time >= c.time - interval '1 hour' and p.time <= c.time
            and p.time >= span.from_time and p.time <= span.to_time
            and (p.id <> c.id or p.time <> c.time)
            and (c.usd_price > 1.5 * p.usd_price or c.usd_price < 0.5 * p.usd_price)
          order by p.time desc, p.id desc
          limit 1
        ) other
        order by c.coin_id, c.exchange_id, c.time, c.id
        limit greatest(max_warnings - reported, 1)
      loop
        span_total := outlier.total;
        continue when reported = max_warnings;
        reported := reported + 1;
        raise warning 'crypto_prices: % of % on % at % is more than 50 %% away from % at %',
          outlier.usd_price, outlier.coin_id, outlier.exchange_id, outlier.time, outlier.other_price, outlier.other_time;
      end loop;
      total := total + span_total;
    end if;
  end loop;
  if total > max_warnings then
    raise warning 'crypto_prices: % more rows of this statement are more than 50 %% away from a price of the hour before them', total - max_warnings;
  end if;

  if tg_op = 'UPDATE' then
    total := 0;
    for outlier in
      -- PostgreSQL fills both transition tables in the same order, so equal positions are the same row.
      select n.coin_id, n.exchange_id, n.time, n.usd_price, o.usd_price as old_price, count(*) over () as total
      from (select *, row_number() over () as position from new_rows) n
      join (select *, row_number() over () as position from old_rows) o using (position)
      where abs(n.usd_price - o.usd_price) > 0.5 * o.usd_price
      order by n.coin_id, n.exchange_id, n.time, n.id
      limit max_warnings
    loop
      total := outlier.total;
      raise warning 'crypto_prices: % of % on % at % is more than 50 %% away from its old value %',
        outlier.usd_price, outlier.coin_id, outlier.exchange_id, outlier.time, outlier.old_price;
    end loop;
    if total > max_warnings then
      raise warning 'crypto_prices: % more rows of this statement are more than 50 %% away from their old values', total - max_warnings;
    end if;
  end if;
  return null;
end
$$;
