-- The times between which a row is taken for correct, in microseconds since 1970 as text.
-- $1 instant, $2 interval from now. Takes no lock. TimescaleDB: not needed.
select (extract(epoch from $1::timestamptz) * 1000000)::int8::text as earliest,
  (extract(epoch from statement_timestamp() + $2::interval) * 1000000)::int8::text as latest
