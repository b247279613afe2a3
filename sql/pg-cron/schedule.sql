-- Schedules a command in the database of pg_cron, or changes this role's entry with that name.
-- $1 name, $2 schedule, $3 command. TimescaleDB: not needed. pg_cron: 1.3.
select cron.schedule($1, $2, $3) as id
