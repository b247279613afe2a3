import {plural} from '../../units/plural.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {timescaledbFunction} from '../../db/server.js'
import {can} from '../../engines/index.js'
import {ident, sql, statement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import {has, qualifiedName, type Table} from '../../catalog/table.js'
import type {Change} from '../plan/change.js'

export interface OldChunk {
  table: Table
  schema: string
  name: string
}

interface CompressionRow {
  hypertable: string
  schema: string
  name: string
}

function storage(table: Table): string {
  return ident(table.storage.schema, table.storage.name).text
}

/**
 * Compressed chunks of these tables whose settings differ from those of their table, or will after these changes. A
 * setting that the table leaves to TimescaleDB is not compared.
 */
export async function oldChunks(
  db: Database,
  tables: readonly Table[],
  changes: readonly Change[],
): Promise<OldChunk[]> {
  if (!can(db.server.engine, 'compression')) return []
  const changed = new Set(changes.filter((change) => change.do === 'settings').map(({key}) => key))
  const compressed = tables.filter(
    (table) => table.id !== null && table.chunks.some(({status}) => has(status, 'compressed')),
  )
  const kept = compressed.filter((table) => !changed.has(qualifiedName(table)))
  const rows =
    kept.length === 0
      ? []
      : await db.query<CompressionRow>(statement(loadSql('policies/chunk-settings'), [kept.map(storage), null]))
  const byChunk = new Map(
    kept.flatMap((table) =>
      table.chunks.map((chunk) => [formatQualifiedName(chunk.schema, chunk.name), table] as const),
    ),
  )
  return [
    ...compressed
      .filter((table) => changed.has(qualifiedName(table)))
      .flatMap((table) =>
        table.chunks
          .filter(({status, tiered}) => has(status, 'compressed') && !tiered)
          .map(({schema, name}) => ({table, schema, name})),
      ),
    ...rows.flatMap(({schema, name}) => {
      const table = byChunk.get(formatQualifiedName(schema, name))
      return table === undefined ? [] : [{table, schema, name}]
    }),
  ]
}

/** Notes about chunks that keep the old settings. */
export function oldChunkNotes(chunks: readonly OldChunk[]): string[] {
  return [...new Set(chunks.map(({table}) => table))].map((table) => {
    const tableChunks = chunks.filter((chunk) => chunk.table === table)
    const names = tableChunks.slice(0, 3).map(({name}) => name)
    const some = [...names, ...(tableChunks.length > names.length ? ['…'] : [])].join(', ')
    const subject = `${plural(tableChunks.length, 'compressed chunk')} of ${qualifiedName(table)} (${some})`
    const keep = tableChunks.length === 1 ? 'keeps' : 'keep'
    return `${subject} ${keep} the old settings: --recompress adds a step for each.`
  })
}

/** Steps that compress chunks again with the settings of their table: one a chunk. */
export function recompressSteps(db: Database, chunks: readonly OldChunk[], before: readonly Step[]): Step[] {
  return chunks.map(({table, schema, name}) => {
    const key = qualifiedName(table)
    const chunk = formatQualifiedName(schema, name)
    const settings = before.find(({kind, object}) => kind === 'settings' && object === key)
    const entry = table.chunks.find((candidate) => candidate.schema === schema && candidate.name === name)
    return {
      id: `recompress ${name}`,
      kind: 'compress',
      object: key,
      statements: [
        sql`select ${timescaledbFunction(db.server, 'compress_chunk')}(${chunk}::regclass, if_not_compressed => true, recompress => true)`,
      ],
      lock: 'ACCESS EXCLUSIVE',
      class: 'safe',
      transaction: 'own',
      doneCheck: statement(`select not exists (${loadSql('policies/chunk-settings')}) as done`, [
        [storage(table)],
        chunk,
      ]),
      repeatable: true,
      dependsOn: settings === undefined ? [] : [settings.id],
      relations: [chunk],
      bytes: entry?.afterBytes ?? null,
    }
  })
}
