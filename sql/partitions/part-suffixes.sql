-- The suffix of the name of a partition that does not begin with a period: the day or the hour at which it begins, in
-- local time.
-- $1 text[] of instants, $2 time zone. One row an instant, in order. Takes no lock. TimescaleDB: not needed.
select to_char(local, case
  when local = date_trunc('day', local) then '"_y"FMYYYY"m"MM"d"DD'
  when local = date_trunc('hour', local) then '"_y"FMYYYY"m"MM"d"DD"h"HH24'
  else '"_y"FMYYYY"m"MM"d"DD"h"HH24MI'
end) as suffix
from unnest($1::text[]) with ordinality as given (at, position)
cross join lateral (select at::timestamptz at time zone $2 as local) as clock
order by position
