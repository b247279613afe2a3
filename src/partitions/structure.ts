import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, raw, sql, statement, type Fragment, type Statement} from '../db/sql.js'
import type {Child} from './children.js'
import {suffixedName} from './create/partition-name.js'

/** How a partition is partitioned itself. */
export interface Structure {
  /** As PARTITION BY takes it: `HASH (symbol)`. */
  key: string
  below: {suffix: string; bound: string; structure: Structure | null}[]
}

interface StructureRow {
  id: number
  parent: number | null
  name: string
  key: string | null
  bound: string | null
}

/** The structure that a new partition gets: that of the newest one; null if that one is an ordinary table. */
export async function newestStructure(db: Database, children: readonly Child[]): Promise<Structure | null> {
  const newest = children.filter(({isDefault, pending}) => !isDefault && !pending).at(-1)
  if (newest?.kind !== 'p') return null
  const rows = await db.query<StructureRow>(statement(loadSql('partitions/structure'), [newest.relation]))
  const root = rows.find(({parent}) => parent === null)
  return root === undefined ? null : structureOf(root, rows)
}

function structureOf(row: StructureRow, rows: readonly StructureRow[]): Structure | null {
  if (row.key === null) return null
  const below = rows
    .filter(({parent}) => parent === row.id)
    .map((child, index) => ({
      // The rest of a name that begins with the parent's: ticks_y2026m01 and ticks_y2026m01_p0 have the suffix _p0.
      suffix: child.name.startsWith(`${row.name}_`) ? child.name.slice(row.name.length) : `_p${index}`,
      bound: child.bound!,
      structure: structureOf(child, rows),
    }))
  return {key: row.key, below}
}

/** The clause behind the columns of the partition. */
export function partitionBy(structure: Structure | null): Fragment {
  return raw(structure === null ? '' : ` partition by ${structure.key}`)
}

/**
 * Creates the tables below a new partition before it is attached: PARTITION OF locks only the new table then.
 * @param method ` using …` of the tables with rows
 */
export function belowStatements(
  schema: string,
  partition: string,
  structure: Structure | null,
  method: Fragment | Statement,
): Statement[] {
  return (structure?.below ?? []).flatMap(({suffix, bound, structure: deeper}) => {
    const name = suffixedName(partition, suffix)
    const using = deeper === null ? method : raw('')
    return [
      sql`create table ${ident(schema, name)} partition of ${ident(schema, partition)} ${raw(bound)}${partitionBy(deeper)}${using}`,
      ...belowStatements(schema, name, deeper, method),
    ]
  })
}
