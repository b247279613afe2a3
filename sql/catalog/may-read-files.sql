-- Whether this role may list the files of a directory and read their sizes.
-- No parameters. One row. TimescaleDB: not needed.
select
  has_function_privilege('pg_ls_dir(text)', 'execute') and has_function_privilege('pg_stat_file(text, boolean)', 'execute') as may
