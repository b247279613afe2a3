-- Schedules a command in the database that pg_cron lives in, or changes what has that name for this role.
-- $1 name, $2 schedule, $3 command. TimescaleDB: not needed. pg_cron: 1.3.
select cron.schedule($1, $2, $3) as id
