-- Runs a statement on every node of Citus, and returns its result: one row a node. A node that is down has none.
-- $1 the statement, which returns one row of one column and only reads. TimescaleDB: not needed. Citus: 11.0
select n.nodeid as id, n.nodename || ':' || n.nodeport as node,
  n.groupid = (select groupid from pg_catalog.pg_dist_local_group) as local, case when a.success then a.result end as result
from pg_catalog.pg_dist_node n
left join lateral (select * from run_command_on_all_nodes($1::text)) a on a.nodeid = n.nodeid
where n.noderole = 'primary'
order by n.nodename, n.nodeport
