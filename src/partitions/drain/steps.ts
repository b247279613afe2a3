import {ident, raw, sql} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import {drainMarkStart} from './mark.js'
import {
  attachedCheck,
  attachStatements,
  lockForAttach,
  moveBlocks,
  moveRest,
  moveWhere,
  namesOf,
  outside,
  prepareStatements,
  relationOf,
  slicesOf,
  type DrainContext,
  type DrainTarget,
} from './sql.js'
import {asOwner, attachTable, boundsCheck, createTable} from '../create/make-child.js'

type Shape = Pick<Step, 'object' | 'class' | 'transaction' | 'doneCheck' | 'repeatable' | 'relations' | 'bytes'>

/**
 * Steps that move the rows of one partition out of a large default partition, in committed batches, and then attach it.
 * Nothing is scanned under an exclusive lock: the new table has a CHECK equal to its bounds, its indexes and its
 * foreign keys before it has rows, and the default partition gets a CHECK that excludes them, which is validated under
 * SHARE UPDATE EXCLUSIVE.
 */
export function drainSteps(context: DrainContext, target: DrainTarget, resumed: boolean): Step[] {
  const {set, rest} = context
  const relation = relationOf(target)
  const shape: Shape = {
    object: relation,
    class: 'undo',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    relations: [rest, relation],
    bytes: null,
  }
  const steps: Step[] = []
  const add = (id: string, step: Pick<Step, 'kind' | 'statements' | 'lock'> & Partial<Step>) => {
    const before = steps.at(-1)
    steps.push({...shape, id, dependsOn: before ? [before.id] : [], ...step})
  }
  if (!resumed)
    add(`prepare ${relation}`, {
      kind: 'create partition',
      statements: prepareStatements(context, target),
      lock: 'SHARE ROW EXCLUSIVE',
      doneCheck: sql`select exists (
  select from pg_class c where c.oid = to_regclass(${relation}) and (c.relispartition or starts_with(obj_description(c.oid, 'pg_class'), ${drainMarkStart}))
) as done`,
      relations: [rest, ...set.related],
    })
  for (const {first, last, part, bytes} of slicesOf(target))
    add(`move ${relation}${part}`, {
      kind: 'move rows',
      statements: [moveBlocks(context, target, first, last)],
      lock: 'ROW EXCLUSIVE',
      transaction: 'none',
      bytes,
    })
  add(`close ${rest} for ${relation}`, {
    kind: 'guard default partition',
    statements: [
      sql`alter table ${raw(rest)} drop constraint if exists ${ident(namesOf(relation).check)}`,
      sql`alter table ${raw(rest)} add constraint ${ident(namesOf(relation).check)} check (${outside(context, target)}) not valid`,
    ],
    lock: 'ACCESS EXCLUSIVE',
    relations: [rest],
  })
  add(`move the rest of ${relation}`, {
    kind: 'move rows',
    statements: [moveRest(context, target)],
    lock: 'ROW EXCLUSIVE',
    transaction: 'none',
  })
  add(`check ${rest} for ${relation}`, {
    kind: 'guard default partition',
    statements: [sql`alter table ${raw(rest)} validate constraint ${ident(namesOf(relation).check)}`],
    lock: 'SHARE UPDATE EXCLUSIVE',
    relations: [rest],
  })
  add(`attach ${relation}`, {
    kind: 'create partition',
    statements: attachStatements(context, target),
    lock: 'ACCESS EXCLUSIVE',
    doneCheck: attachedCheck(set, relation),
    relations: [set.relation, rest, relation, ...set.related],
  })
  return steps
}

/**
 * One step for a small default partition: its rows are moved while it is locked, so that every query sees them either
 * there or in the new partition.
 */
export function drainAtOnce(context: DrainContext, target: DrainTarget): Step {
  const {db, set, rest} = context
  const relation = relationOf(target)
  const child = ident(target.schema, target.partition)
  const within = asOwner(db.target.role, db.server.role, set)
  return {
    id: `drain ${relation}`,
    kind: 'move rows',
    object: relation,
    statements: [
      ...within.before,
      ...lockForAttach(set, rest),
      ...createTable(set, target),
      ...within.given(child),
      moveWhere(context, target, sql``),
      attachTable(set, target),
      sql`alter table ${child} drop constraint ${ident(boundsCheck)}`,
      ...within.after,
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: attachedCheck(set, relation),
    repeatable: true,
    dependsOn: [],
    relations: [set.relation, rest, ...set.related],
    bytes: target.bytes,
  }
}
