import type {TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {sql, statement} from '../db/sql.js'
import type {Adoption} from './request.js'
import {relationOf, type Inventory} from './inventory.js'
import type {Refusal} from './refusals.js'

/** What a hypertable cannot have, in addition to what no adoption carries over. */
export async function refusalsOfHypertable(db: Database, {source, found, key}: Adoption): Promise<Refusal[]> {
  const {inventory} = found
  return [
    ...ofKey(key, inventory),
    ...ofTriggers(inventory),
    ...ofPublications(inventory),
    ...(await ofForeignKeys(db, inventory)),
    ...(source.kind === 'partitioned' ? await ofPartitions(db, inventory) : []),
  ]
}

function ofKey({kind, type}: TimeKey, inventory: Inventory): Refusal[] {
  if (kind !== 'ulid' && kind !== 'uuidv7') return []
  const reason = `its time is in a ${type}, and chunks are ranges of a timestamp, a date or an integer`
  return [{object: relationOf(inventory), reason, fix: null}]
}

function ofTriggers(inventory: Inventory): Refusal[] {
  return inventory.triggers
    .filter(({enabled}) => enabled !== 'O')
    .map(({name}) => ({
      object: `trigger ${formatName(name)}`,
      reason: 'it is disabled, or fires for REPLICA or ALWAYS, which a hypertable cannot store',
      fix: `ALTER TABLE ${relationOf(inventory)} ENABLE TRIGGER ${formatName(name)}`,
    }))
}

function ofPublications(inventory: Inventory): Refusal[] {
  return inventory.publications.map(({name}) => ({
    object: `publication ${formatName(name)}`,
    reason: 'it would send nothing: the rows of a hypertable are in its chunks, which are not in the publication',
    fix: `ALTER PUBLICATION ${formatName(name)} DROP TABLE ${relationOf(inventory)}`,
  }))
}

/** TimescaleDB has no foreign keys between two hypertables. */
async function ofForeignKeys(db: Database, inventory: Inventory): Promise<Refusal[]> {
  if (inventory.foreignKeys.length + inventory.referencedBy.length === 0) return []
  const rows = await db.query<{schema: string; name: string}>(
    sql`select hypertable_schema as schema, hypertable_name as name from timescaledb_information.hypertables`,
  )
  const hypertables = new Set(rows.map(({schema, name}) => formatQualifiedName(schema, name)))
  const reason = 'it connects two hypertables, and TimescaleDB has no foreign keys between them'
  return [
    ...inventory.foreignKeys.map((key) => ({...key, on: relationOf(inventory), other: key.references})),
    ...inventory.referencedBy.map((key) => ({...key, on: relationOf(key), other: relationOf(key)})),
  ]
    .filter(({other}) => hypertables.has(other))
    .map(({name, on}) => ({
      object: `foreign key ${formatName(name)} of ${on}`,
      reason,
      fix: `ALTER TABLE ${on} DROP CONSTRAINT ${formatName(name)}`,
    }))
}

async function ofPartitions(db: Database, {oid, schema, table}: Inventory): Promise<Refusal[]> {
  const rows = await db.query<{kind: string; object: string}>(statement(loadSql('adopt/partition-objects'), [oid]))
  return rows.map(({kind, object}) => ({
    object: `${kind} ${object}`,
    reason:
      `it belongs to a partition and not to ${formatQualifiedName(schema, table)}, so it would stay with the old ` +
      'table',
    fix: null,
  }))
}
