import type {Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'

/**
 * A step of a job that writes rows of one table of the schema qicore: a short transaction that may run again.
 * @param table qualified name of the table
 * @param object the object that the row is about, for people; the table itself unless given
 */
export function ledgerStep(
  table: string,
  {id, kind, object = table}: {id: string; kind: string; object?: string},
  what: Statement,
): Step {
  return {
    id,
    kind,
    object,
    statements: [what],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [table],
    bytes: null,
  }
}
