-- The last error of each job of TimescaleDB's scheduler, as far as this role may see them: whose jobs they are not sees
-- none (in 2.18.2 to 2.27.0 everybody saw all). Running jobs have rows without an error.
-- One row a job. TimescaleDB: 2.15
select distinct on (e.job_id) e.job_id as id, e.finish_time as at, e.sqlerrcode as state, e.err_message as message
from timescaledb_information.job_errors e
where e.err_message is not null
order by e.job_id, e.start_time desc
