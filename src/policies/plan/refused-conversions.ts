import type {Database} from '../../db/database.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {readRefusedStatements, statementsInWords} from '../../partitions/insert-only.js'
import type {Change} from './change.js'

/**
 * Notes on policies whose conversions to columnar will be refused, because statements change rows of the table. Said
 * when the policy is planned: its first run may be months later.
 */
export async function refusedConversions(db: Database, changes: readonly Change[]): Promise<string[]> {
  const notes: string[] = []
  for (const change of changes) {
    if (change.do !== 'columnar' || change.allowUpdates) continue
    const {schema, name} = parseQualifiedName(change.key)
    const {statements} = await readRefusedStatements(db, [{schema: schema!, table: name}])
    if (statements.length > 0)
      notes.push(
        `${change.key}: its partitions will not be converted, because pg_stat_statements shows ` +
          `${statementsInWords(statements)}. If the WHERE of such statements excludes partitions of that age, declare ` +
          'allowUpdates: true.',
      )
  }
  return notes
}
