import {doBlock, ident, raw, sql, type Part, type Statement} from '../../db/sql.js'
import {detachedWords, dropMarkStart, markText, type DropMark} from './drop-mark.js'
import type {Child} from '../children.js'
import type {PartitionSet} from '../sets.js'

type Named = Pick<Child, 'relation' | 'schema' | 'partition' | 'kind'>

/** The mark that a run writes on a partition that it intends to drop. */
export function markOf(
  set: PartitionSet,
  child: Pick<Child, 'from' | 'to' | 'toEpoch'>,
  cutoff: string,
  seen: string | null,
): string {
  const mark: DropMark = {of: set.relation, from: child.from, to: child.to, end: child.toEpoch, cutoff, seen}
  return markText(mark)
}

/**
 * Writes the mark before the detach. It first takes the lock that the detach needs, so that the detach does not have to
 * wait after the mark is written. A partition that is not attached any more is not marked.
 */
export function markIntended(set: PartitionSet, child: Child, mark: string): Statement {
  return writeMark(child, {
    first: sql`lock table only ${ident(set.schema, set.table)} in share update exclusive mode;`,
    when: attached(child, false),
    line: sql`${mark}::text`,
  })
}

/** Completes the mark right after the detach, in the same session: from then on any run may drop the table. */
export function markDetached(child: Named, mark: string): Statement {
  return writeMark(child, {
    when: sql`not ${attached(child)} and line = ${mark}::text`,
    line: sql`line || ${detachedWords}::text || (select xmin::text from pg_class where oid = to_regclass(${child.relation}))`,
  })
}

/** Removes the mark after a detach that failed. A pending detach keeps it: the next run finishes that detach. */
export function withdrawMark(child: Named, mark: string): Statement {
  return writeMark(child, {
    when: sql`not ${attached(child, true)} and starts_with(line, ${mark}::text)`,
    line: sql`null::text`,
  })
}

/** Removes the mark from a table that is detached and kept, so that a later drop does not drop it. */
export function removeMark(child: Named): Statement {
  return writeMark(child, {when: sql`starts_with(line, ${dropMarkStart}::text)`, line: sql`null::text`})
}

/** Raises an error unless the table has this mark, completed with the transaction that last changed the table. */
export function requireDetached({relation}: Named, mark: string): Statement {
  return doBlock`
declare
  line text := split_part(obj_description(to_regclass(${relation}), 'pg_class'), chr(10), 1);
  detached text := ${mark}::text || ${detachedWords}::text || (select xmin::text from pg_class where oid = to_regclass(${relation}) and not relispartition);
begin
  if line is distinct from detached or detached is null then
    raise exception using errcode = '55000', message = format('%s was not detached by this drop, or was changed since: it is kept', ${relation}::text),
      detail = 'It was attached, detached or altered by another session. Check its rows, then drop it with DROP TABLE or attach it again.';
  end if;
end`
}

/** Whether it is a partition. @param pending only one whose detach is, or is not, pending */
function attached({relation}: Pick<Child, 'relation'>, pending?: boolean): Statement {
  const state = pending === undefined ? sql`` : sql` and inhdetachpending = ${pending}`
  return sql`exists (select from pg_inherits where inhrelid = to_regclass(${relation})${state})`
}

/** Sets the first line of the comment; the rest belongs to the operator and is not changed. */
function writeMark(
  {relation, schema, partition, kind}: Named,
  {first = sql``, when, line}: {first?: Part; when: Part; line: Part},
): Statement {
  return doBlock`
declare
  comment text;
  line text;
  rest text;
begin
  ${first}
  comment := obj_description(to_regclass(${relation}), 'pg_class');
  line := split_part(comment, chr(10), 1);
  rest := case when starts_with(line, ${dropMarkStart}) then substr(comment, length(line) + 2) else comment end;
  if ${when} then
    execute format('comment on ${raw(kind === 'f' ? 'foreign table' : 'table')} %I.%I is %L', ${schema}::text, ${partition}::text,
      nullif(concat_ws(chr(10), ${line}, nullif(rest, '')), ''));
  end if;
end`
}
