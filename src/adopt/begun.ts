import type {Database} from '../db/database.js'
import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import {command} from '../units/command.js'
import {validateReferences} from './swap.js'
import type {FoundInventory, Inventory} from './inventory.js'
import {inOrder, planOf, type AdoptPlan, type AdoptRequest} from './request.js'
import type {Source} from './source.js'
import type {Staging} from './staging.js'
import type {AdoptState} from './state.js'

/** The new table after the swap: only foreign keys may still have to be checked. */
export async function afterSwap(
  db: Database,
  {relation, table}: Source,
  {oldSchema}: Staging,
  state: AdoptState,
  inventory: Inventory,
): Promise<AdoptPlan> {
  if (state.phase === 'undone')
    throw usageError('ADOPT_UNDONE', `The adoption of ${relation} is being undone, and its copy is not removed yet.`, [
      `Finish that first: ${command('partitions adopt', [relation], {undo: true})}`,
    ])
  const referencedBy = inventory.referencedBy.filter(({valid}) => !valid).map((key) => ({...key, valid: true}))
  const steps = validateReferences({...inventory, referencedBy}, state.source)
  return {
    plan: planOf(relation, `finish the adoption of ${relation}`, inOrder(steps)),
    carried: [],
    notes: await keptNotes(db, relation, formatQualifiedName(oldSchema, table), state),
  }
}

async function keptNotes(db: Database, relation: string, old: string, state: AdoptState): Promise<string[]> {
  const [size] = await db.query<{bytes: number | null}>(statement(loadSql('adopt/sizes'), [old]))
  const {formatBytes} = await import('../units/bytes.js')
  const bytes = size?.bytes == null ? '' : ` (${formatBytes(size.bytes)})`
  return [
    `${relation} was adopted at ${state.swappedAt}. The old table is kept as ${old}${bytes}; ${state.pending} ` +
      'changes since then are recorded, so that the adoption can be undone without losing them.',
    `Undo it: ${command('partitions adopt', [relation], {undo: true})}`,
    `Drop the old table: ${command('partitions adopt', [relation], {finish: true})}`,
  ]
}

/** @throws OpsError ADOPT_CHANGED if the copy that was begun does not fit the table or the request any more */
export function requireSame(
  source: Source,
  state: AdoptState,
  {fingerprint}: FoundInventory,
  request: AdoptRequest,
): void {
  const refuse = (message: string) =>
    new OpsError('ADOPT_CHANGED', `${message} Nothing was changed.`, {
      exit: ExitCode.refused,
      suggestions: [
        `Remove the copy, then begin again: ${command('partitions adopt', [source.relation], {undo: true})}`,
      ],
    })
  if (request.to !== null && request.to !== state.target)
    throw refuse(`The adoption of ${source.relation} was begun to make it a ${state.target}.`)
  if (state.phase !== 'copying') return
  if (state.source !== source.oid)
    throw refuse(`Another table has the name ${source.relation} since its adoption was begun.`)
  if (state.fingerprint !== fingerprint)
    throw refuse(
      `The definition of ${source.relation}, or of an object that depends on it, was changed after its copy was ` +
        'begun, so the copy does not have that change.',
    )
  if (request.column !== null && request.column !== state.column)
    throw refuse(`The adoption of ${source.relation} was begun with the column ${formatName(state.column)}.`)
}
