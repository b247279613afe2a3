import {literal, raw, sql, type Statement} from '../../db/sql.js'

/**
 * Waits, without any lock of its own, until every transaction that holds a lock on a table now has ended: what DETACH
 * CONCURRENTLY waits for too, but that one leaves the partition pending when its patience ends. Raises 55P03 naming
 * who is still there, so that it is tried again like any lock that was not to be had.
 */
export function waitForHolders(relation: string, patience: string): Statement {
  return sql`do $wait$
declare
  watched constant oid := to_regclass(${literal(relation)});
  deadline constant timestamptz := clock_timestamp() + interval ${literal(patience)};
  holders constant text[] := array(
    select distinct virtualtransaction from pg_locks
    where relation = watched and granted and pid is distinct from pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())
  );
  left_over text;
begin
  loop
    select string_agg(format('%s%s%s', coalesce('pid ' || l.pid, 'a prepared transaction'),
      coalesce(' (' || concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state) || ')', ''),
      coalesce(' for ' || round(extract(epoch from clock_timestamp() - a.xact_start)) || ' s', '')), '; ' order by a.xact_start)
    into left_over
    from (select distinct virtualtransaction, pid from pg_locks where relation = watched and granted and virtualtransaction = any (holders)) l
    left join pg_stat_activity a on a.pid = l.pid;
    exit when left_over is null;
    if clock_timestamp() > deadline then
      raise exception using errcode = 'lock_not_available', message = ${raw(literal(`an open transaction has used ${relation}: `).text)} || left_over;
    end if;
    perform pg_sleep(0.02);
  end loop;
end
$wait$`
}
