-- Records which text of a routine is installed. First in the transaction that installs it: two runs at once wait for
-- each other at this row, not at the row of the catalogue, where the second would fail with "tuple concurrently updated".
-- $1 name of the file, $2 checksum, $3 version of the program. TimescaleDB: not needed.
insert into qicore.routines (name, checksum, program, applied_at)
values ($1, $2, $3, clock_timestamp())
on conflict (name) do update set checksum = excluded.checksum, program = excluded.program, applied_at = excluded.applied_at
