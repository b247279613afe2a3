-- The two clocks of a server: the one that calendars are read by, and the one that this machine's is compared with.
-- No parameters. TimescaleDB: not needed. One row.
select qicore.now() as now, clock_timestamp() as clock
