import {nodesOf, parsed} from './sql-calls.js'

/** A table named in a statement. */
export interface NamedTable {
  /** Null if the name has no schema. */
  schema: string | null
  table: string
}

interface RangeVar {
  schemaname?: string
  relname: string
  alias?: {aliasname: string}
}

/**
 * The tables whose existing rows the statement changes or locks: by UPDATE, DELETE, MERGE, INSERT … ON CONFLICT or
 * SELECT … FOR UPDATE or SHARE, also in WITH. Found by PostgreSQL's parser; `$1` may stand for constants. Empty for
 * text that the parser rejects.
 */
export async function changedTables(text: string): Promise<NamedTable[]> {
  const tree = await parsed(text)
  const changed = nodesOf(tree, 'UpdateStmt', 'DeleteStmt', 'MergeStmt').map(({relation}) => relation as RangeVar)
  const upserted = nodesOf(tree, 'InsertStmt').flatMap(({relation, onConflictClause}) =>
    onConflictClause === undefined ? [] : [relation as RangeVar],
  )
  const locked = nodesOf(tree, 'SelectStmt').flatMap(({fromClause, lockingClause}) => {
    const names = nodesOf(lockingClause, 'RangeVar').map(({relname}) => relname)
    const from = lockingClause === undefined ? [] : (nodesOf(fromClause, 'RangeVar') as unknown as RangeVar[])
    // FOR UPDATE OF names aliases; without OF it locks every table of FROM.
    return from.filter(({alias, relname}) => names.length === 0 || names.includes(alias?.aliasname ?? relname))
  })
  return [...changed, ...upserted, ...locked].map(({schemaname, relname}) => ({
    schema: schemaname ?? null,
    table: relname,
  }))
}
