-- Whether a chunk is entirely compressed and in order; true if the chunk does not exist (any more).
-- $1 the name of the chunk, quoted as in SQL. One row, one column. TimescaleDB: 2.15, community
select coalesce((
  select _timescaledb_functions.chunk_status(chunk) & 11 = 1 from to_regclass($1) as chunk where chunk is not null
), true) as done
