-- Two clocks of the server: qicore.now() evaluates schedules, clock_timestamp() is compared with this machine's clock.
-- No parameters. TimescaleDB: not needed. One row.
select qicore.now() as now, clock_timestamp() as clock
