-- Removes one entry from pg_cron, if it exists and still has that command.
-- $1 id, $2 command. TimescaleDB: not needed. pg_cron: 1.3.
select cron.unschedule(j.jobid) as gone from cron.job j where j.jobid = $1 and j.command = $2
