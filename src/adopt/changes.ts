import {doBlock, ident, sql, type Fragment, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {relationOf, type Inventory} from './inventory.js'
import {adoptStep} from './shadow.js'
import {stateTable, type AdoptState} from './state.js'
import type {Staging} from './staging.js'

/** Entries of the log that one batch applies. */
const batchEntries = 20_000

/** The kind of the steps that apply recorded changes. */
export const changesKind = 'adopt changes'

/** The table that is read, and the one that is brought up to date with it. */
export interface Direction {
  from: Fragment
  to: Fragment
}

/** From the old table to its copy. */
export function towardsCopy({schema, table}: Inventory, staging: Staging): Direction {
  return {from: ident(schema, table), to: ident(staging.schema, table)}
}

/**
 * Applies the recorded changes in committed batches, until the last one was not full. Another run continues after the
 * last committed batch. It is recorded as built: the next plan has it again only if {@link isBehind}.
 * @param moment when it is done, in the id of the step: `before the swap`
 */
export function catchUp(inventory: Inventory, staging: Staging, direction: Direction, moment: string): Step {
  const relation = relationOf(inventory)
  const id = `apply changes of ${relation} ${moment}`
  return {
    ...adoptStep,
    id,
    kind: changesKind,
    object: relation,
    statements: [
      applyUntil(staging, direction, sql`taken < ${batchEntries}`, sql`commit;`),
      sql`update ${stateTable(staging)} set built = built || ${id}::text where ${id} <> all (built)`,
    ],
    lock: 'ACCESS SHARE',
    transaction: 'none',
    dependsOn: [],
    relations: [relation],
  }
}

/** Whether more changes are recorded than one batch applies. */
export function isBehind({pending}: AdoptState): boolean {
  return pending >= batchEntries
}

/** Applies the recorded changes in the transaction of a step, until the last batch was not full. */
export function applyMost(staging: Staging, direction: Direction): Statement {
  return applyUntil(staging, direction, sql`taken < ${batchEntries}`)
}

/** Applies every recorded change, while a lock excludes others. */
export function applyAll(staging: Staging, direction: Direction): Statement {
  return applyUntil(staging, direction, sql`taken = 0`)
}

function applyUntil({schema}: Staging, {from, to}: Direction, last: Statement, after: Statement = sql``): Statement {
  const apply = sql`${ident(schema, 'apply_changes')}(${from.text}::regclass, ${to.text}::regclass, ${batchEntries})`
  return doBlock`
declare
  taken bigint;
begin
  loop
    taken := ${apply};
    ${after}
    exit when ${last};
  end loop;
end`
}
