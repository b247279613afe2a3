import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, statement, type Fragment, type Statement} from '../db/sql.js'
import type {Staging} from './staging.js'

export interface ColumnFacts {
  name: string
  type: string
  /** Without length and precision. */
  bareType: string
  /** Null if it is that of the type. */
  collation: string | null
  /** Text is compared byte by byte; null if the type has no collation. */
  bytewise: boolean | null
  notNull: boolean
  identity: '' | 'a' | 'd'
  generated: '' | 's' | 'v'
  default: string | null
  statisticsTarget: number | null
  options: string[]
  /** The type has a hash function; other types are hashed as text. */
  hashable: boolean
}

export interface IndexFacts {
  name: string
  unique: boolean
  primary: boolean
  valid: boolean
  clustered: boolean
  replicaIdentity: boolean
  /** The constraint that the index implements: primary key, unique or exclusion. */
  constraint: string | null
  constraintType: 'p' | 'u' | 'x' | null
  deferrable: boolean
  partial: boolean
  method: string
  options: string[]
  tablespace: string | null
  /** Key columns; an expression is an empty text. */
  columns: string[]
  /** What follows the name of the table: `USING btree (…) …`. */
  definition: string
  constraintDefinition: string | null
  comment: string | null
  constraintComment: string | null
}

export interface ForeignKeyFacts {
  name: string
  valid: boolean
  definition: string
  references: string
  self: boolean
  comment: string | null
}

export interface ReferenceFacts {
  name: string
  valid: boolean
  definition: string
  schema: string
  table: string
  kind: string
  comment: string | null
}

export interface TriggerFacts {
  name: string
  definition: string
  enabled: 'O' | 'D' | 'R' | 'A'
  row: boolean
  transitionTables: boolean
  comment: string | null
}

export interface PolicyFacts {
  name: string
  permissive: boolean
  command: '*' | 'r' | 'a' | 'w' | 'd'
  /** Null is PUBLIC. */
  roles: (string | null)[]
  using: string | null
  check: string | null
  comment: string | null
}

export interface PublicationFacts {
  name: string
  viaRoot: boolean
  filter: string | null
  columns: string[] | null
}

export interface SequenceFacts {
  schema: string
  name: string
  column: string
  identity: boolean
}

export interface StatisticsFacts {
  schema: string
  name: string
  definition: string
  owner: string
  comment: string | null
}

export interface ViewFacts {
  schema: string
  name: string
  kind: 'v' | 'm'
  options: string[]
  definition: string
}

export interface GrantFacts {
  /** Null is PUBLIC. */
  grantee: string | null
  privilege: string
  column: string | null
  option: boolean
}

/** Everything that belongs to a table or depends on it. */
export interface Inventory {
  oid: number
  schema: string
  table: string
  kind: string
  persistence: string
  owner: string
  isPartition: boolean
  typed: boolean
  rowSecurity: boolean
  forceRowSecurity: boolean
  replicaIdentity: 'd' | 'n' | 'f' | 'i'
  tablespace: string | null
  accessMethod: string | null
  options: string[]
  toastOptions: string[]
  comment: string | null
  grants: GrantFacts[]
  columns: ColumnFacts[]
  indexes: IndexFacts[]
  checks: {name: string; valid: boolean; noInherit: boolean}[]
  foreignKeys: ForeignKeyFacts[]
  referencedBy: ReferenceFacts[]
  triggers: TriggerFacts[]
  policies: PolicyFacts[]
  publications: PublicationFacts[]
  /** Publications of all tables, or of all tables of the schema. */
  widePublications: string[]
  sequences: SequenceFacts[]
  statistics: StatisticsFacts[]
  views: ViewFacts[]
  rules: string[]
  inherits: string[]
  inheritedBy: string[]
  labels: number
  extension: string | null
  /** Other dependent objects, as PostgreSQL describes them. */
  others: string[]
}

/** What a table has now, and a hash of it that changes if any definition changes. */
export interface FoundInventory {
  inventory: Inventory
  fingerprint: string
}

/** The query for the document of a table; one column `doc` of type json. */
export function inventoryQuery(oid: number, staging: Staging): Statement {
  return statement(loadSql('adopt/inventory'), [oid, [staging.schema, staging.oldSchema]])
}

export async function readInventory(db: Database, oid: number, staging: Staging): Promise<FoundInventory> {
  const query = inventoryQuery(oid, staging)
  const rows = await db.query<{doc: Inventory; fingerprint: string}>(
    statement(`select doc, md5(doc::text) as fingerprint from (\n${query.text}\n) as found`, query.values),
  )
  return {inventory: rows[0]!.doc, fingerprint: rows[0]!.fingerprint}
}

export function relationOf({schema, table}: Pick<Inventory, 'schema' | 'table'>): string {
  return formatQualifiedName(schema, table)
}

/** The columns that an INSERT may name: all but generated ones. */
export function writtenColumns({columns}: Pick<Inventory, 'columns'>): Fragment[] {
  return columns.filter(({generated}) => generated === '').map(({name}) => ident(name))
}
