-- Whether a chunk is compressed as a whole and in order; also where there is no such chunk (any more).
-- $1 the chunk as SQL reads it. One row, one column. TimescaleDB: 2.15, community
select coalesce((
  select _timescaledb_functions.chunk_status(chunk) & 11 = 1 from to_regclass($1) as chunk where chunk is not null
), true) as done
