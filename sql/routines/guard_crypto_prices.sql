-- Looks at what a statement wrote into crypto_prices, as the table stands afterwards. A time more than an hour ahead
-- is an error. A price that differs by more than half of the older price from another row of its series within the
-- hour before it, or on UPDATE from its own old value, is a warning; the setting qicore.price_guard = off silences it.
--
-- Three looks, each over less: first the smallest and largest recent price of each series in the batch; then, where
-- that leaves a doubt, those of each hour; only then row by row. A probe a row costs 20 s for 46 000 rows.
-- Rows that lie far apart are looked at apart: what lies between them would be opened and locked for nothing. Two rows
-- eight years apart took 11 s over 1251 chunks, and take 0.2 s.
-- Security definer: a feed that may only INSERT must not fail for want of SELECT.
-- since: 1.4.0
create or replace function qicore.guard_crypto_prices()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A generic plan would open every chunk; with the bounds known, those outside of them are not even planned.
set plan_cache_mode = force_custom_plan
as $$
<<guard>>
declare
  shown constant integer := 20;
  origin constant timestamptz := '2000-01-03 00:00:00+00';
  from_time timestamptz;
  to_time timestamptz;
  coins text[];
  exchanges text[];
  from_times timestamptz[];
  to_times timestamptz[];
  span record;
  odd record;
  told integer := 0;
  found_here bigint;
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
    -- A plain join: few series are probed through their index, many are met in one pass over the recent hour. Grouping
    -- by a number spares sorting by two texts.
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
      found_here := 0;
      for odd in
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
        limit greatest(shown - told, 1)
      loop
        found_here := odd.total;
        continue when told = shown;
        told := told + 1;
        raise warning 'crypto_prices: % of % on % at % is more than 50 %% away from % at %',
          odd.usd_price, odd.coin_id, odd.exchange_id, odd.time, odd.other_price, odd.other_time;
      end loop;
      total := total + found_here;
    end if;
  end loop;
  if total > shown then
    raise warning 'crypto_prices: % more rows of this statement are more than 50 %% away from a price of the hour before them', total - shown;
  end if;

  if tg_op = 'UPDATE' then
    total := 0;
    for odd in
      -- Both sets are filled row by row in the same order, so the n-th of one was the n-th of the other.
      select n.coin_id, n.exchange_id, n.time, n.usd_price, o.usd_price as old_price, count(*) over () as total
      from (select *, row_number() over () as position from new_rows) n
      join (select *, row_number() over () as position from old_rows) o using (position)
      where abs(n.usd_price - o.usd_price) > 0.5 * o.usd_price
      order by n.coin_id, n.exchange_id, n.time, n.id
      limit shown
    loop
      total := odd.total;
      raise warning 'crypto_prices: % of % on % at % is more than 50 %% away from its old value %',
        odd.usd_price, odd.coin_id, odd.exchange_id, odd.time, odd.old_price;
    end loop;
    if total > shown then
      raise warning 'crypto_prices: % more rows of this statement are more than 50 %% away from their old values', total - shown;
    end if;
  end if;
  return null;
end
$$;
