import {doBlock, type Statement} from '../db/sql.js'

/**
 * Waits, without taking a lock, until every transaction that now holds a lock on a table has ended. DETACH CONCURRENTLY
 * waits for the same, but leaves the partition pending if that wait times out. Raises 55P03 with the remaining
 * sessions, so that the step is retried like after a lock timeout. Ages are visible with pg_monitor only; that a
 * transaction is still open is visible to every role.
 */
export function waitForHolders(relation: string, timeout: string): Statement {
  return doBlock`
declare
  older text[];
  who text;
begin
  for try in 0 .. 10000 loop
    select array_agg(l.virtualtransaction), string_agg(format('%s (%s)', coalesce('pid ' || l.pid, 'a prepared transaction'),
      concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state, 'for ' || round(extract(epoch from clock_timestamp() - a.xact_start)) || ' s')), '; ')
    into older, who
    from (
      select distinct virtualtransaction, pid from pg_locks
      where locktype = 'relation' and granted and relation = to_regclass(${relation}) and pid is distinct from pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
        and (try = 0 or virtualtransaction = any (older))
    ) l
    left join pg_stat_activity a on a.pid = l.pid;
    exit when who is null;
    if clock_timestamp() > now() + interval ${timeout} then
      raise exception using errcode = '55P03', message = format('open transactions have used %s: %s', ${relation}::text, who);
    end if;
    perform pg_sleep(0.02);
  end loop;
end`
}

/**
 * Raises 55P03, so that the step is retried later, while another partition of the set is pending detach: PostgreSQL
 * cannot detach a second one concurrently and fails with an error that is not retried.
 */
export function waitForPending(set: string, partition: string): Statement {
  return doBlock`
declare
  other text;
begin
  select format('%I.%I', n.nspname, c.relname) into other
  from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
  where i.inhparent = to_regclass(${set}) and i.inhdetachpending and i.inhrelid is distinct from to_regclass(${partition})
  limit 1;
  if other is not null then
    raise exception using errcode = '55P03', message = format('the detach of %s is pending and must be finished first', other);
  end if;
end`
}
