import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'

/** Whether the definitions describe this database: only if a migration of the stream `qicore` is recorded. */
export async function definitionsApply(db: Database): Promise<boolean> {
  if (!db.server.hasQicoreSchema) return false
  try {
    const [row] = await db.query<{recorded: boolean}>(
      sql`select exists (select from qicore.schema_versions where stream = 'qicore') as recorded`,
    )
    return row?.recorded ?? false
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return false
    throw error
  }
}
