-- Schedules a command in another database, or changes the entry with that name and role.
-- $1 name, $2 schedule, $3 command, $4 database, $5 role, null for the current user. TimescaleDB: not needed. pg_cron: 1.4.
select cron.schedule_in_database($1, $2, $3, $4, $5) as id
