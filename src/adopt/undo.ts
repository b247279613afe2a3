import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'
import {catchUp} from './changes.js'
import {withTriggerNotes} from './commands.js'
import {swapBackStep, validateReferences} from './swap.js'
import {leavingTimescaledb} from './hypertable.js'
import {readInventory} from './inventory.js'
import {inOrder, planOf, refuseAll, type AdoptPlan} from './request.js'
import {dropOld, removeCopy, stopRecording} from './remove.js'
import {findSource} from './source.js'
import {stagingOf} from './staging.js'
import {readState} from './state.js'

/**
 * Plans the way back: before the swap the copy is removed; after it the old table gets its name back, with every
 * change that was made since.
 * Empty if no adoption was begun, or its end was reached before.
 * @throws OpsError the errors of {@link findSource}
 */
export async function planUndo(db: Database, table: string): Promise<AdoptPlan> {
  const source = await findSource(db, table)
  const staging = stagingOf(source.relation)
  const state = await readState(db, staging)
  if (state === null) return nothingBegun(source.relation)
  const {inventory} = await readInventory(db, source.oid, staging)
  const direction = {from: ident(source.schema, source.table), to: ident(staging.oldSchema, source.table)}
  // The new table is a hypertable: its aggregates would be lost with it.
  if (state.phase === 'swapped' && source.kind === 'hypertable')
    refuseAll(source.relation, (await leavingTimescaledb(db, source)).refusals)
  const back =
    state.phase === 'swapped'
      ? [catchUp(inventory, staging, direction, 'before the swap'), swapBackStep(inventory, staging)]
      : []
  const checks = state.phase === 'swapped' ? validateReferences(inventory, source.oid) : []
  const stop = state.phase === 'copying' ? [stopRecording(inventory)] : []
  const steps = inOrder([...back, ...stop, removeCopy(inventory, staging, []), ...checks])
  const notes =
    state.phase === 'swapped'
      ? ['Partitions that were dropped or detached since the swap come back: the old table still has their rows.']
      : []
  const plan = planOf(source.relation, `undo the adoption of ${source.relation}`, steps)
  return withTriggerNotes(db, {plan, carried: [], notes})
}

/**
 * Plans the drop of the old table. Empty if it is dropped already.
 * @throws OpsError NOT_SWAPPED, the errors of {@link findSource}
 */
export async function planFinish(db: Database, table: string): Promise<AdoptPlan> {
  const source = await findSource(db, table)
  const staging = stagingOf(source.relation)
  const state = await readState(db, staging)
  if (state === null) return nothingBegun(source.relation)
  if (state.phase !== 'swapped')
    throw usageError('NOT_SWAPPED', `${source.relation} is not adopted yet: its name still belongs to the old table.`, [
      `Continue: ${command('partitions adopt', [source.relation])}`,
    ])
  const {inventory} = await readInventory(db, source.oid, staging)
  const old = formatQualifiedName(staging.oldSchema, source.table)
  const [size] = await db.query<{bytes: number | null}>(statement(loadSql('adopt/sizes'), [old]))
  const stop = stopRecording(inventory)
  const drop = dropOld(inventory, staging, size?.bytes ?? null, [stop.id])
  return withTriggerNotes(db, {
    plan: planOf(source.relation, `drop the old table of ${source.relation}`, [stop, drop]),
    carried: [],
    notes: [`After this the adoption of ${source.relation} cannot be undone.`],
  })
}

function nothingBegun(relation: string): AdoptPlan {
  return {
    plan: planOf(relation, `end the adoption of ${relation}`, []),
    carried: [],
    notes: [`No adoption of ${relation} is under way: none was begun, or it was undone or finished.`],
  }
}
