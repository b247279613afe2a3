import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {plural} from '../units/plural.js'
import type {Inventory} from './inventory.js'

/** What the new set gets from the old table: one line a kind of object. */
export function carriedOf(inventory: Inventory): string[] {
  const names = (of: readonly {name: string}[]) => of.map(({name}) => formatName(name))
  const {columns, indexes, checks, foreignKeys, referencedBy, triggers, policies, publications, sequences, views} =
    inventory
  const keys = indexes.filter(({constraint}) => constraint !== null)
  const identity = columns.filter((column) => column.identity !== '')
  const generated = columns.filter((column) => column.generated !== '')
  const defaults = columns.filter((column) => column.default !== null && column.generated === '')
  const owned = sequences.filter((sequence) => !sequence.identity)
  const grants = new Set(inventory.grants.map(({grantee}) => grantee ?? 'PUBLIC'))
  return [
    `owner ${inventory.owner}; privileges of ${[...grants].join(', ')}`,
    ...listed(
      'primary and unique key',
      keys.map(({constraint}) => formatName(constraint!)),
    ),
    ...listed('index', names(indexes.filter(({constraint}) => constraint === null)), 'indexes'),
    ...listed('CHECK', names(checks)),
    ...listed('foreign key', names(foreignKeys)),
    ...listed('foreign key that references it', referencedBy.map(reference), 'foreign keys that reference it'),
    ...listed('default', names(defaults)),
    ...listed('identity column', names(identity)),
    ...listed('generated column', names(generated)),
    ...listed(
      'owned sequence',
      owned.map(({schema, name}) => formatQualifiedName(schema, name)),
    ),
    ...listed('trigger', names(triggers)),
    ...listed('row security policy', names(policies), 'row security policies'),
    ...listed('publication', names(publications)),
    ...listed(
      'view',
      views.map(({schema, name}) => formatQualifiedName(schema, name)),
    ),
    ...listed('statistics object', names(inventory.statistics)),
    ...listed('storage parameter', [
      ...inventory.options,
      ...inventory.toastOptions.map((option) => `toast.${option}`),
    ]),
    ...(inventory.replicaIdentity === 'd' ? [] : ['replica identity']),
  ]
}

function reference({schema, table, name}: Inventory['referencedBy'][number]): string {
  return `${formatName(name)} of ${formatQualifiedName(schema, table)}`
}

function listed(one: string, names: readonly string[], many?: string): string[] {
  return names.length === 0 ? [] : [`${plural(names.length, one, many)}: ${names.join(', ')}`]
}

/** What differs after the adoption, although nothing is lost; the operator must know it before. */
export function changesOf(inventory: Inventory): string[] {
  const {indexes, options, replicaIdentity, publications, widePublications} = inventory
  const byPartition = publications.filter(({viaRoot}) => !viaRoot).map(({name}) => formatName(name))
  return [
    ...indexes
      .filter(({clustered}) => clustered)
      .map(
        ({name}) =>
          `Index ${formatName(name)} loses its mark for CLUSTER: PostgreSQL cannot mark an index of a partitioned ` +
          'table.',
      ),
    ...(options.length > 0
      ? ['Storage parameters are set on the partitions that the adoption creates. Set them on later ones yourself.']
      : []),
    ...(replicaIdentity === 'd'
      ? []
      : ['The replica identity is set on the partitions that the adoption creates. Set it on later ones yourself.']),
    ...byPartition.map(
      (name) =>
        `Publication ${name} sends changes under the names of the partitions after the swap. For the name of ` +
        `the table: ALTER PUBLICATION ${name} SET (publish_via_partition_root = true)`,
    ),
    ...widePublications.map(
      (name) =>
        `Publication ${formatName(name)} contains every table, so it also sends the copied rows of the ` +
        'partitions. A subscriber needs tables of these names, or publish_via_partition_root = true.',
    ),
  ]
}
