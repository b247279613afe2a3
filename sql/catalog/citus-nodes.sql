-- Runs a statement on every node that has shards, and returns its result: one row a node. A node that is down, or that
-- Citus counts as inactive, has no result, and does not stop the others. The statement must only read: Citus does not pass
-- READ ONLY on. $1 the statement, which returns one row of one column. TimescaleDB: not needed. Citus: 11.0
select n.nodename || ':' || n.nodeport as node, case when a.success then a.result end as result,
  case when not a.success then a.result end as error
from pg_catalog.pg_dist_node n
left join lateral (select * from run_command_on_all_nodes($1::text)) a on a.nodeid = n.nodeid
where n.noderole = 'primary' and exists (select from pg_catalog.pg_dist_placement p where p.groupid = n.groupid)
order by n.nodename, n.nodeport
