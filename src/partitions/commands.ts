import {commandsOf, eventTriggerNotes, type DdlCommand} from '../catalog/event-triggers.js'
import type {Database} from '../db/database.js'
import type {Step} from '../run/step.js'

/** A detach removes the triggers of foreign keys that reference the set; the comment is the mark of a drop. */
export const detachCommands: readonly DdlCommand[] = [{tag: 'ALTER TABLE', drops: true}, {tag: 'COMMENT'}]

/** What a drain runs besides creating partitions: it marks each table, and redirects inserts by a trigger meanwhile. */
export const drainCommands: readonly DdlCommand[] = [
  {tag: 'COMMENT'},
  {tag: 'CREATE FUNCTION'},
  {tag: 'REVOKE'},
  {tag: 'CREATE TRIGGER'},
  {tag: 'DROP TRIGGER', drops: true},
  {tag: 'DROP FUNCTION', drops: true},
]

/** The check of the bounds, or of a default partition, is dropped again. */
const checked: DdlCommand = {tag: 'ALTER TABLE', drops: true}

/** The commands of each kind of step; a kind that is missing changes rows only. */
const byKind: Readonly<Record<string, readonly DdlCommand[]>> = {
  'create partition': [{tag: 'CREATE TABLE'}, checked],
  'move rows': [{tag: 'CREATE TABLE'}, checked],
  'guard default partition': [checked],
  detach: detachCommands,
  finalize: detachCommands,
  drop: [
    {tag: 'DROP TABLE', drops: true},
    {tag: 'DROP FOREIGN TABLE', drops: true},
  ],
  move: [{tag: 'ALTER TABLE'}, {tag: 'ALTER INDEX'}, {tag: 'ALTER FOREIGN TABLE'}],
}

/**
 * Notes about the event triggers that would fire at the steps of a plan of partitions. Asks nothing if it has no steps.
 * @param also what the steps run besides the commands of their kinds
 */
export async function triggerNotes(
  db: Database,
  steps: readonly Pick<Step, 'kind'>[],
  also: readonly DdlCommand[] = [],
): Promise<string[]> {
  if (steps.length === 0) return []
  return eventTriggerNotes(db, [...also, ...commandsOf(steps, byKind)])
}
