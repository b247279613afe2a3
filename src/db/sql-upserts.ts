import {nodesOf, parsed} from './sql-calls.js'

/** The table of an INSERT … ON CONFLICT. */
export interface UpsertTarget {
  /** Null if the name has no schema. */
  schema: string | null
  table: string
}

/**
 * The tables that the text changes by INSERT … ON CONFLICT, also in WITH, found by PostgreSQL's parser; `$1` may stand
 * for constants. Empty for text that the parser rejects.
 */
export async function upsertsIn(text: string): Promise<UpsertTarget[]> {
  const inserts = nodesOf(await parsed(text), 'InsertStmt')
  return inserts.flatMap(({relation, onConflictClause}) => {
    if (onConflictClause === undefined) return []
    const {schemaname, relname} = relation as {schemaname?: string; relname: string}
    return [{schema: schemaname ?? null, table: relname}]
  })
}
