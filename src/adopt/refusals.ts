import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {relationOf, type ColumnFacts, type IndexFacts, type Inventory} from './inventory.js'
import {rowKey} from './key.js'

/** Something that a partitioned table cannot have, or that would stay behind with the old table. */
export interface Refusal {
  /** `unique key ticks_pkey`. */
  object: string
  reason: string
  /** SQL that removes the reason; null if there is no single statement for it. */
  fix: string | null
}

/**
 * Everything that forbids the adoption, so that all of it is known before anything is changed.
 * @param inventory of the table as it is now
 * @param column the partition key
 */
export function refusalsOf(inventory: Inventory, column: ColumnFacts): Refusal[] {
  return [
    ...ofTable(inventory),
    ...ofColumns(inventory, column),
    ...inventory.indexes.flatMap((index) => ofIndex(inventory, index, column)),
    ...withoutRowKey(inventory, column),
    ...ofConstraints(inventory),
    ...ofReferences(inventory),
    ...ofTriggers(inventory),
    ...ofDependents(inventory),
  ]
}

/** What a partition set cannot have, in addition. */
export function refusalsOfSet(inventory: Inventory): Refusal[] {
  return ofPublications(inventory)
}

function refuse(object: string, reason: string, fix: string | null = null): Refusal {
  return {object, reason, fix}
}

function ofTable(inventory: Inventory): Refusal[] {
  const relation = relationOf(inventory)
  const found: Refusal[] = []
  if (inventory.persistence !== 'p')
    found.push(
      refuse(
        relation,
        'it is unlogged or temporary, and the new table would be neither',
        inventory.persistence === 'u' ? `ALTER TABLE ${relation} SET LOGGED` : null,
      ),
    )
  if (inventory.isPartition) found.push(refuse(relation, 'it is a partition itself: adopt its parent'))
  if (inventory.typed) found.push(refuse(relation, 'it is a typed table', `ALTER TABLE ${relation} NOT OF`))
  for (const parent of inventory.isPartition ? [] : inventory.inherits)
    found.push(refuse(relation, `it inherits from ${parent}`, `ALTER TABLE ${relation} NO INHERIT ${parent}`))
  if (inventory.inheritedBy.length > 0)
    found.push(refuse(relation, `other tables inherit from it: ${inventory.inheritedBy.join(', ')}`))
  if (inventory.extension !== null) found.push(refuse(relation, `it belongs to the extension ${inventory.extension}`))
  if (inventory.labels > 0) found.push(refuse(relation, 'it has security labels, which are not carried over'))
  return found
}

function ofColumns(inventory: Inventory, column: ColumnFacts): Refusal[] {
  if (column.notNull) return []
  const relation = relationOf(inventory)
  return [
    refuse(
      `column ${formatName(column.name)}`,
      'it may be NULL, and no range of time holds a NULL',
      `ALTER TABLE ${relation} ALTER COLUMN ${formatName(column.name)} SET NOT NULL`,
    ),
  ]
}

function ofIndex(inventory: Inventory, index: IndexFacts, column: ColumnFacts): Refusal[] {
  const relation = relationOf(inventory)
  const name = formatName(index.name)
  const object = index.constraint === null ? `index ${name}` : `constraint ${formatName(index.constraint)}`
  if (!index.valid)
    return [
      refuse(
        object,
        'it is invalid: an index that CREATE INDEX CONCURRENTLY did not finish',
        `DROP INDEX CONCURRENTLY ${formatQualifiedName(inventory.schema, index.name)}`,
      ),
    ]
  if (index.constraintType === 'x')
    return [
      refuse(
        object,
        'an exclusion constraint cannot compare rows of different partitions or chunks',
        `ALTER TABLE ${relation} DROP CONSTRAINT ${formatName(index.constraint!)}`,
      ),
    ]
  if (!index.unique || index.columns.includes(column.name)) return []
  return [refuse(object, missingKey(index, column), widen(inventory, index, column))]
}

function missingKey({columns}: IndexFacts, {name}: ColumnFacts): string {
  const keys = columns.map((key) => (key === '' ? 'an expression' : formatName(key))).join(', ')
  return (
    `it is unique on (${keys}) without ${formatName(name)}. PostgreSQL checks uniqueness within each partition or ` +
    'chunk only, so every unique key must contain the column of their ranges'
  )
}

/** The statements that replace the key by one that contains the column; null for an index on expressions. */
function widen(inventory: Inventory, index: IndexFacts, column: ColumnFacts): string | null {
  if (index.columns.includes('') || index.partial)
    return `DROP INDEX CONCURRENTLY ${formatQualifiedName(inventory.schema, index.name)}`
  const relation = relationOf(inventory)
  const wide = formatName(`${index.name.slice(0, 50)}_by_time`)
  const columns = [...index.columns, column.name].map(formatName).join(', ')
  const create = `CREATE UNIQUE INDEX CONCURRENTLY ${wide} ON ${relation} (${columns})`
  if (index.constraint === null)
    return `${create}; DROP INDEX CONCURRENTLY ${formatQualifiedName(inventory.schema, index.name)}`
  const kind = index.primary ? 'PRIMARY KEY' : 'UNIQUE'
  return (
    `${create}; ALTER TABLE ${relation} DROP CONSTRAINT ${formatName(index.constraint)}, ADD CONSTRAINT ` +
    `${formatName(index.constraint)} ${kind} USING INDEX ${wide}`
  )
}

function withoutRowKey(inventory: Inventory, column: ColumnFacts): Refusal[] {
  if (rowKey(inventory, column) !== null) return []
  const relation = relationOf(inventory)
  return [
    refuse(
      relation,
      `it has neither a unique key with ${formatName(column.name)} nor an index that begins with it, so a changed ` +
        'row cannot be found in the copy',
      `CREATE INDEX CONCURRENTLY ON ${relation} (${formatName(column.name)})`,
    ),
  ]
}

function ofConstraints(inventory: Inventory): Refusal[] {
  const relation = relationOf(inventory)
  const validate = (name: string) => `ALTER TABLE ${relation} VALIDATE CONSTRAINT ${formatName(name)}`
  const invalid = [...inventory.checks, ...inventory.foreignKeys].filter(({valid}) => !valid)
  return [
    ...invalid.map(({name}) =>
      refuse(
        `constraint ${formatName(name)}`,
        'it is NOT VALID: rows that violate it could not be copied',
        validate(name),
      ),
    ),
    ...inventory.checks
      .filter(({noInherit}) => noInherit)
      .map(({name}) =>
        refuse(
          `constraint ${formatName(name)}`,
          'it is NO INHERIT, which neither a partitioned table nor a hypertable can have',
          `ALTER TABLE ${relation} DROP CONSTRAINT ${formatName(name)}`,
        ),
      ),
    ...inventory.foreignKeys
      .filter(({self}) => self)
      .map(({name}) =>
        refuse(
          `foreign key ${formatName(name)}`,
          'it references the table itself, so it would block the drop of partitions and is not carried over',
          `ALTER TABLE ${relation} DROP CONSTRAINT ${formatName(name)}`,
        ),
      ),
  ]
}

function ofReferences(inventory: Inventory): Refusal[] {
  const invalid = inventory.referencedBy
    .filter(({kind, valid}) => kind === 'r' && !valid)
    .map(({name, schema, table}) => {
      const other = formatQualifiedName(schema, table)
      return refuse(
        `foreign key ${formatName(name)} of ${other}`,
        'it is NOT VALID: it would be validated by the adoption',
        `ALTER TABLE ${other} VALIDATE CONSTRAINT ${formatName(name)}`,
      )
    })
  const partitioned = inventory.referencedBy
    .filter(({kind}) => kind !== 'r')
    .map(({name, schema, table}) => {
      const other = formatQualifiedName(schema, table)
      return refuse(
        `foreign key ${formatName(name)} of ${other}`,
        'it belongs to a partitioned table, so PostgreSQL would check all its rows while both tables are locked',
        `ALTER TABLE ${other} DROP CONSTRAINT ${formatName(name)}`,
      )
    })
  return [...invalid, ...partitioned]
}

function ofTriggers(inventory: Inventory): Refusal[] {
  return inventory.triggers
    .filter(({row, transitionTables}) => row && transitionTables)
    .map(({name}) =>
      refuse(
        `trigger ${formatName(name)}`,
        'it is FOR EACH ROW with transition tables, which neither a partition nor a chunk can have',
        `DROP TRIGGER ${formatName(name)} ON ${relationOf(inventory)}`,
      ),
    )
}

function ofPublications(inventory: Inventory): Refusal[] {
  return inventory.publications
    .filter(({viaRoot, filter, columns}) => !viaRoot && (filter !== null || columns !== null))
    .map(({name}) =>
      refuse(
        `publication ${formatName(name)}`,
        'it has a row filter or a list of columns, which PostgreSQL accepts for a partitioned table only with ' +
          'publish_via_partition_root',
        `ALTER PUBLICATION ${formatName(name)} SET (publish_via_partition_root = true)`,
      ),
    )
}

function ofDependents(inventory: Inventory): Refusal[] {
  const relation = relationOf(inventory)
  return [
    ...inventory.rules.map((name) =>
      refuse(`rule ${formatName(name)}`, 'rules are not carried over', `DROP RULE ${formatName(name)} ON ${relation}`),
    ),
    ...inventory.views
      .filter(({kind}) => kind === 'm')
      .map(({schema, name}) =>
        refuse(
          `materialized view ${formatQualifiedName(schema, name)}`,
          'it cannot be pointed at another table: it would go on reading the old one',
          `DROP MATERIALIZED VIEW ${formatQualifiedName(schema, name)}`,
        ),
      ),
    ...inventory.others.map((object) =>
      refuse(object, `it depends on ${relation} itself and would stay with the old table`),
    ),
  ]
}
