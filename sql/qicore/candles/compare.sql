-- Compares candles with the stored ones: returns those that are missing and those that are stored with other values.
-- $1 coin, $2 exchange, $3 timeframe, $4 line numbers int[], $5 opening times text[], $6 open, $7 high, $8 low, $9
-- close, $10 volume (text[] of decimals). One row per candle that is not stored with the same values.
-- TimescaleDB: not needed.
select sample.line,
  case
    when not (h >= l and o between l and h and c between l and h and v >= 0) then 'impossible'
    when not (round(o, 8) = o and round(h, 8) = h and round(l, 8) = l and round(c, 8) = c and round(v, 8) = v) then 'too-precise'
    when stored.time is null then 'missing'
    else 'different'
  end as state,
  stored.open_price::text || ',' || stored.high_price || ',' || stored.low_price || ',' || stored.close_price || ',' || stored.volume as stored
from unnest($4::int[], $5::timestamptz[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[])
  as sample (line, t, o, h, l, c, v)
left join public.ohlcv_data as stored
  on stored.coin_id = $1 and stored.exchange_id = $2 and stored.timeframe = $3 and stored.time = sample.t
  and stored.time between (select min(x) from unnest($5::timestamptz[]) as x) and (select max(x) from unnest($5::timestamptz[]) as x)
where stored.time is null
  or (stored.open_price, stored.high_price, stored.low_price, stored.close_price, stored.volume) is distinct from (o, h, l, c, v)
order by 1
