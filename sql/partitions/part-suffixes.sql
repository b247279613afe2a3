-- The suffix of the name of a partition that is a part of a period: the day, the hour or the minute at which it begins,
-- in local time.
-- $1 text[] of instants, $2 time zone, $3 boolean[] whether a period begins there, whose name it must not have. One row an instant, in order. Takes no lock. TimescaleDB: not needed.
select to_char(local, case
  when local = date_trunc('day', local) and not begins then '"_y"FMYYYY"m"MM"d"DD'
  when local = date_trunc('hour', local) and not begins then '"_y"FMYYYY"m"MM"d"DD"h"HH24'
  else '"_y"FMYYYY"m"MM"d"DD"h"HH24MI'
end) as suffix
from unnest($1::text[], $3::boolean[]) with ordinality as given (at, begins, position)
cross join lateral (select at::timestamptz at time zone $2 as local) as clock
order by position
