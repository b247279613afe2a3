import {plural} from '../units/plural.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {can, lackOf} from '../engines/index.js'
import {sql} from '../db/sql.js'
import {OpsError, usageError} from '../errors.js'
import {measureSizes} from '../catalog/sizes.js'
import {has, qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {spanOf} from '../catalog/span.js'
import {compareAscending} from '../units/compare.js'
import type {Step} from '../run/step.js'
import {command} from '../units/command.js'

export type {PlannedChange} from '../aggregates/plan-refresh.js'

/** Checks that the table has chunks and this role may change them. @throws OpsError NOT_A_HYPERTABLE, NO_PRIVILEGE */
export async function requireChunks(db: Database, table: Table): Promise<void> {
  if (table.kind === 'partitioned')
    throw usageError(
      'NOT_A_HYPERTABLE',
      `${qualifiedName(table)} is a partitioned table of PostgreSQL: it has partitions, not chunks.`,
      [`Its partitions: ${command('partitions list', [qualifiedName(table)])}`],
    )
  if (table.id === null)
    throw usageError('NOT_A_HYPERTABLE', `${qualifiedName(table)} is an emulated aggregate: it has no chunks.`, [
      `List the aggregates: ${command('aggregates list')}`,
    ])
  await requireOwner(db, table)
}

/** Whether compression of this table means the conversion of its partitions to columnar. */
export function isColumnarSet(db: Database, {kind}: Table): boolean {
  return kind === 'partitioned' && can(db.server.engine, 'columnar')
}

/** `2 partitions`, of the steps that convert one. */
export function countPartitions(steps: readonly Step[]): string {
  return plural(steps.filter(({kind}) => kind !== 'measure').length, 'partition')
}

/** Checks that the engine has compression and the table has it enabled. @throws OpsError NO_COMPRESSION (exit 2) */
export async function requireCompression(db: Database, table: Table): Promise<void> {
  await requireChunks(db, table)
  const lack = lackOf(db.server.engine, 'compression')
  if (lack !== null)
    throw usageError('NO_COMPRESSION', `${qualifiedName(table)}: ${lack.why}.`, [
      'To switch the Apache edition to the community edition: timescaledb.license = timescale.',
    ])
  if (!table.compression)
    throw usageError('NO_COMPRESSION', `Compression is not enabled on ${qualifiedName(table)}.`, [
      `Declare ${configKey(table)}.compression in the configuration, then: ${command('policies apply')}`,
    ])
}

/** The key of a table in the configuration: aggregates have their own section. */
function configKey(table: Table): string {
  return `${table.kind === 'aggregate' ? 'aggregates' : 'tables'}.${JSON.stringify(qualifiedName(table))}`
}

async function requireOwner(db: Database, table: Table): Promise<void> {
  const [row] = await db.query<{may: boolean; owner: string; role: string}>(sql`select
  pg_has_role(coalesce(${db.target.role ?? null}::name, current_user), c.relowner, 'usage')
    or pg_has_role(coalesce(${db.target.role ?? null}::name, current_user), (select datdba from pg_database where datname = current_database()), 'usage') as may,
  pg_get_userbyid(c.relowner) as owner, coalesce(${db.target.role ?? null}::name, current_user) as role
from pg_class c where c.oid = ${table.relation}::oid`)
  if (row && !row.may)
    throw new OpsError(
      'NO_PRIVILEGE',
      `${qualifiedName(table)} belongs to ${row.owner}, and ${row.role} is not a member of that role. Nothing was ` +
        'changed.',
      {
        suggestions: [`Connect as ${row.owner}, or set it as \`role\` of the target.`],
      },
    )
}

/** The qualified name of a chunk, quoted as in SQL. */
export function chunkName({schema, name}: Chunk): string {
  return formatQualifiedName(schema, name)
}

/** The name of a chunk in texts: without schema if it is TimescaleDB's default schema for chunks. */
export function chunkLabel(chunk: Chunk): string {
  return chunk.schema === '_timescaledb_internal' ? chunk.name : chunkName(chunk)
}

/** Sorted by end; with the same end, the shorter first. */
export function oldestFirst(chunks: readonly Chunk[]): Chunk[] {
  return [...chunks].sort(
    (a, b) =>
      compareAscending(spanOf(a).end, spanOf(b).end) ||
      compareAscending(spanOf(b).start, spanOf(a).start) ||
      (a.name < b.name ? -1 : 1),
  )
}

/** Live bytes of each chunk, its compressed part included; null if it is locked. */
export async function bytesOf(db: Database, chunks: readonly Chunk[]): Promise<Map<Chunk, number | null>> {
  const relations = chunks.flatMap(({relation, compressed}) =>
    compressed === null ? [relation] : [relation, compressed],
  )
  const {bytes, locked} = await measureSizes(db, relations)
  return new Map(
    chunks.map((chunk) => {
      const parts = chunk.compressed === null ? [chunk.relation] : [chunk.relation, chunk.compressed]
      return [
        chunk,
        parts.some((relation) => locked.has(relation))
          ? null
          : parts.reduce((sum, relation) => sum + (bytes.get(relation) ?? 0), 0),
      ]
    }),
  )
}

/** Removes frozen and tiered chunks, which must not be changed, and returns notes about them. */
export function excludeProtected(chunks: readonly Chunk[]): {rest: Chunk[]; notes: string[]} {
  const frozen = chunks.filter(({status, tiered}) => !tiered && has(status, 'frozen'))
  const tiered = chunks.filter((chunk) => chunk.tiered)
  return {
    rest: chunks.filter((chunk) => !frozen.includes(chunk) && !tiered.includes(chunk)),
    notes: [
      ...(frozen.length > 0
        ? [`Frozen, skipped: ${formatChunkNames(frozen)}. _timescaledb_functions.unfreeze_chunk unfreezes a chunk.`]
        : []),
      ...(tiered.length > 0 ? [`Tiered to object storage, skipped: ${formatChunkNames(tiered)}.`] : []),
    ],
  }
}

export function formatChunkNames(chunks: readonly Chunk[]): string {
  const names = chunks.slice(0, 3).map(chunkLabel).join(', ')
  return chunks.length > 3 ? `${names} and ${chunks.length - 3} more` : names
}

/** For the summary of a plan: `3 chunks`, and `chunks` if there is nothing to do. */
export function countChunks(count: number): string {
  return count === 0 ? 'chunks' : plural(count, 'chunk')
}
