import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'
import {afterSwap, requireSame} from './begun.js'
import {carriedOf} from './carried.js'
import {withTriggerNotes} from './commands.js'
import {changesKind, isBehind} from './changes.js'
import {intoHypertable, requireHypertables} from './into-hypertable.js'
import {intoSet} from './into-set.js'
import {readInventory} from './inventory.js'
import {keyColumn} from './key.js'
import {leavePartman, partmanNotes, readPartman, requireKeepable, requireTimes, type PartmanRow} from './partman.js'
import {inOrder, planOf, type AdoptPlan, type AdoptRequest} from './request.js'
import {findSource, type Source} from './source.js'
import {stagingOf} from './staging.js'
import {readState} from './state.js'

/**
 * Plans the adoption of a table, or the rest of one that was begun. Everything that forbids it is known before the
 * first step.
 * @throws OpsError CANNOT_ADOPT (exit 2) with all reasons, ADOPT_CHANGED (exit 7), the errors of {@link findSource}
 */
export async function planAdopt(db: Database, request: AdoptRequest): Promise<AdoptPlan> {
  const source = await findSource(db, request.table)
  const staging = stagingOf(source.relation)
  const state = await readState(db, staging)
  const found = await readInventory(db, source.oid, staging)
  if (state !== null) requireSame(source, state, found, request)
  if (state !== null && state.phase !== 'copying')
    return withTriggerNotes(db, await afterSwap(db, source, staging, state, found.inventory))
  const target = state?.target ?? request.to ?? 'set'
  const partman = state === null && source.kind === 'partitioned' ? await readPartman(db, source) : null
  if (partman !== null) {
    requireTimes(source, partman, request.declared)
    if (target === 'set') requireKeepable(source, partman, request.declared !== null)
    return partmanPlan(source, partman, target === 'set')
  }
  if (target === 'set') requireUnpartitioned(source)
  else requireHypertables(db, source)
  const {column, key} = keyColumn(found.inventory, state?.column ?? request.column, request.declared)
  const adoption = {source, staging, state, found, column, key}
  const {summary, steps, notes} = await (target === 'set' ? intoSet : intoHypertable)(db, request, adoption)
  const left = steps.filter(({id, kind}) => !state?.built.includes(id) || (kind === changesKind && isBehind(state)))
  const plan = planOf(source.relation, summary, inOrder(left))
  return withTriggerNotes(db, {plan, carried: carriedOf(found.inventory), notes})
}

/** A set of pg_partman is a partition set already: only its manager changes. */
function partmanPlan(source: Source, row: PartmanRow, staysSet: boolean): AdoptPlan {
  const plan = planOf(source.relation, `take ${source.relation} over from pg_partman`, [leavePartman(source, row)])
  const next = `Then make it a hypertable: ${command('partitions adopt', [source.relation], {to: 'hypertable'})}`
  return {plan, carried: [], notes: [...partmanNotes(source, row), ...(staysSet ? [] : [next])]}
}

function requireUnpartitioned({relation, kind}: Source): void {
  if (kind === 'partitioned')
    throw usageError('PARTITIONED', `${relation} is partitioned already.`, [
      `Its partitions: ${command('partitions list', [relation])}`,
    ])
}
