-- Records which text of a routine is installed. It is the first statement of the installing transaction: concurrent
-- runs wait for each other at this row, instead of failing with "tuple concurrently updated" at the catalog row.
-- $1 file name, $2 checksum, $3 version of the program. TimescaleDB: not needed.
insert into qicore.routines (name, checksum, program, applied_at)
values ($1, $2, $3, clock_timestamp())
on conflict (name) do update set checksum = excluded.checksum, program = excluded.program, applied_at = excluded.applied_at
