-- How many locks all transactions together may hold, and how many indexes each of some tables has: a statement that
-- looks at all chunks locks each of them with its indexes.
-- $1 oid[] of tables. One row a table. Locks catalogues only. TimescaleDB: not needed.
select c.oid::int8 as relation,
  (select count(*)::int from pg_index i where i.indrelid = c.oid) as indexes,
  current_setting('max_locks_per_transaction')::int as per_transaction,
  current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int as sessions
from pg_class c
where c.oid = any ($1::oid[])
