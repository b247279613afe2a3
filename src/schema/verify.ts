import type {Database} from '../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {usageError} from '../errors.js'
import {formatDuration, type Duration} from '../units/duration.js'
import {differences, readSnapshot, type Difference, type RelationSnapshot, type Snapshot} from './catalog.js'
import type {SchemaDefinition, TableDefinition} from './definition.js'
import {fixesOf} from './fixes.js'
import {withoutSpelling} from './reparse.js'
import {makeDefinitions, externalTables, withScratch} from './scratch.js'

/** One difference from the definitions. */
export interface SchemaDifference extends Difference {
  /** A statement or command that removes it safely. */
  fix: string | null
}

/** Settings that a configuration changes for a table that it does not describe. */
export interface TableSettings {
  chunkInterval?: Duration | undefined
  compression?:
    | 'none'
    | {after: Duration; segmentBy?: readonly string[] | undefined; orderBy?: readonly string[] | undefined}
    | undefined
}

/**
 * Compares a database with the definitions, created in an empty database of the same server. Objects outside the
 * definitions are ignored, except those added to one of their tables.
 * @param scratchUrl an empty database to use; by default one is created on the same server
 * @param stop aborts; the scratch database is dropped
 * @throws OpsError NO_SCRATCH, SCRATCH_NOT_EMPTY, OTHER_ENGINE, INTERRUPTED
 */
export async function verifySchema(
  db: Database,
  definitions: SchemaDefinition,
  scratchUrl?: string,
  stop?: AbortSignal,
): Promise<SchemaDifference[]> {
  const schemas = [
    ...new Set([
      'public',
      'qicore',
      ...definitions.tables.map(({schema}) => schema),
      ...definitions.aggregates.map(({schema}) => schema),
    ]),
  ]
  const actual = await readSnapshot(db, schemas)
  return withScratch(db, scratchUrl, async (scratch) => {
    if (scratch.server.engine !== db.server.engine)
      throw usageError(
        'OTHER_ENGINE',
        `The scratch database is ${scratch.server.engine}, but this one is ${db.server.engine}.`,
        ['Name one with the same extension and edition.'],
      )
    await makeDefinitions(scratch, definitions, stop)
    const expected = await readSnapshot(scratch, schemas)
    for (const {schema, name} of externalTables(definitions.tables))
      delete expected.relations[formatQualifiedName(schema, name)]
    const fix = fixesOf(definitions, expected, actual, db.server)
    const found = await withoutSpelling(scratch, differences(...comparable(expected, actual)))
    return found.map((difference) => ({...difference, fix: fix(difference)}))
  })
}

/** A difference as reported. A routine has no table; its signature is the `object`. */
export interface ReportedDifference extends SchemaDifference {
  schema: string | null
  table: string | null
}

export function reported(difference: SchemaDifference): ReportedDifference {
  const relation = difference.object.endsWith(')') ? null : parseQualifiedName(difference.object)
  return {schema: relation?.schema ?? null, table: relation?.name ?? null, ...difference}
}

/** Reduces both snapshots to what the definitions name, without properties that are chosen at creation. */
function comparable(expected: Snapshot, actual: Snapshot): [Snapshot, Snapshot] {
  const pick = <T>(record: Record<string, T>, keys: readonly string[]) =>
    Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(record, key) ? [[key, record[key]!]] : [])))
  const relations = Object.keys(expected.relations)
  const theirs = pick(actual.relations, relations)
  const alike = (relation: RelationSnapshot, other: RelationSnapshot | undefined): RelationSnapshot => ({
    ...relation,
    dimensions: dimensionsOf(relation, other),
    // A table outside the definitions may share the shards.
    distribution: relation.distribution && {
      ...relation.distribution,
      colocated: relation.distribution.colocated.filter((name) => relations.includes(name)),
    },
  })
  return [
    {
      ...expected,
      relations: Object.fromEntries(relations.map((key) => [key, alike(expected.relations[key]!, theirs[key])])),
    },
    {
      relations: Object.fromEntries(
        Object.entries(theirs).map(([key, relation]) => [key, alike(relation, expected.relations[key])]),
      ),
      routines: pick(actual.routines, Object.keys(expected.routines)),
    },
  ]
}

/**
 * The number of space partitions is chosen at creation (including none) and never changes. Chunks of an aggregate are
 * ten times as long as those of its source were at creation; no definition specifies that.
 */
function dimensionsOf(
  {kind: of, dimensions}: RelationSnapshot,
  other: RelationSnapshot | undefined,
): RelationSnapshot['dimensions'] {
  const both = other === undefined || other.dimensions.some(({kind}) => kind === 'space')
  return dimensions
    .filter(({kind}) => kind === 'time' || both)
    .map((dimension) => ({...dimension, partitions: null, interval: of === 'aggregate' ? null : dimension.interval}))
}

/** The definitions, with the settings of a configuration applied. */
export function withSettings(
  definitions: SchemaDefinition,
  settings: ReadonlyMap<string, TableSettings>,
): SchemaDefinition {
  return {
    ...definitions,
    tables: definitions.tables.map((table) => {
      const declaredSettings = settings.get(formatQualifiedName(table.schema, table.name))
      return declaredSettings === undefined || !table.hypertable ? table : withTableSettings(table, declaredSettings)
    }),
  }
}

function withTableSettings(table: TableDefinition, {chunkInterval, compression}: TableSettings): TableDefinition {
  const {hypertable} = table
  return {
    ...table,
    hypertable: {
      ...hypertable!,
      chunkInterval: chunkInterval === undefined ? hypertable!.chunkInterval : formatDuration(chunkInterval),
    },
    compression: compression === undefined ? table.compression : configuredCompression(table, compression),
  }
}

function configuredCompression(
  {compression: before, hypertable}: TableDefinition,
  given: NonNullable<TableSettings['compression']>,
): TableDefinition['compression'] {
  if (given === 'none') return undefined
  return {
    after: formatDuration(given.after),
    segmentBy: given.segmentBy ?? before?.segmentBy ?? [],
    orderBy: given.orderBy ?? before?.orderBy ?? [`${hypertable!.time} desc`],
  }
}
