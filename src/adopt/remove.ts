import {formatQualifiedName} from '../db/qualified-name.js'
import {ident, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {relationOf, type Inventory} from './inventory.js'
import {adoptStep, dropTriggers} from './shadow.js'
import {changesTable, lockState, partsTable, stateTable} from './state.js'
import {functionSignatures, type Staging} from './staging.js'

/** Stops recording changes of the table that has the name: a moment of ACCESS EXCLUSIVE. */
export function stopRecording(inventory: Inventory): Step {
  const relation = relationOf(inventory)
  return {
    ...adoptStep,
    id: `stop recording changes of ${relation}`,
    kind: 'adopt record',
    object: relation,
    statements: dropTriggers(ident(inventory.schema, inventory.table)),
    lock: 'ACCESS EXCLUSIVE',
    dependsOn: [],
    relations: [relation],
  }
}

/** Removes the copy, of which the table that has the name holds every row. */
export function removeCopy(inventory: Inventory, staging: Staging, dependsOn: readonly string[]): Step {
  const copy = formatQualifiedName(staging.schema, inventory.table)
  return {
    ...adoptStep,
    id: `remove the copy of ${relationOf(inventory)}`,
    kind: 'adopt remove',
    object: copy,
    statements: [
      lockState(staging),
      sql`drop table ${ident(staging.schema, inventory.table)}`,
      ...removeStaging(staging),
    ],
    lock: 'NONE',
    doneCheck: noStaging(staging),
    dependsOn,
    relations: inventory.foreignKeys.map(({references}) => references),
  }
}

/** Drops the old table; from then on the adoption cannot be undone. */
export function dropOld(
  inventory: Inventory,
  staging: Staging,
  bytes: number | null,
  dependsOn: readonly string[],
): Step {
  const old = formatQualifiedName(staging.oldSchema, inventory.table)
  return {
    ...adoptStep,
    id: `drop the old table ${old}`,
    kind: 'adopt drop',
    object: old,
    statements: [
      lockState(staging),
      sql`drop table ${ident(staging.oldSchema, inventory.table)}`,
      ...inventory.statistics.map(({name}) => sql`drop statistics if exists ${ident(staging.oldSchema, name)}`),
      ...removeStaging(staging),
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    doneCheck: noStaging(staging),
    dependsOn,
    relations: [old, ...inventory.foreignKeys.map(({references}) => references)],
    bytes,
  }
}

function noStaging({schema}: Staging): Statement {
  return sql`select not exists (select from pg_namespace where nspname = ${schema}::text) as done`
}

/** Without CASCADE: an object that another role has put there is named by the error and kept. */
function removeStaging(staging: Staging): Statement[] {
  return [
    ...functionSignatures.map((name) => sql`drop function ${ident(staging.schema)}.${raw(name)}`),
    sql`drop table ${changesTable(staging)}, ${partsTable(staging)}, ${stateTable(staging)}`,
    sql`drop schema ${ident(staging.schema)}, ${ident(staging.oldSchema)}`,
  ]
}
