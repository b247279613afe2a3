import {shareBucket, type Coverage} from '../aggregates/coverage.js'
import type {TableClock} from '../catalog/table-clock.js'
import type {Chunk, Table} from '../catalog/table.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {ExportSettings} from '../export/settings.js'
import type {Step} from '../run/step.js'
import {total} from './drop-ranges.js'
import {dropStep, type DropRange} from './drop-steps.js'
import {chunkSubject, exportSteps} from './export.js'
import {bytesOf} from './hypertable.js'

export interface DropsRequest {
  table: Table
  clock: TableClock
  /** The ranges to drop; `index` is their entry in `needs` of the aggregates. */
  ranges: readonly {range: DropRange; index: number}[]
  /** The drop checks the coverage of these aggregates again; null: the loss is accepted. */
  guarded: readonly Coverage[] | null
  /** Ids of the steps that must succeed before each drop. */
  dependsOn: readonly string[]
  /** Each chunk is exported there before its drop; null: not. */
  exportTo: ExportSettings | null
}

export interface PlannedDrops {
  /** The exports, then the drops. */
  steps: Step[]
  /** About chunks that are exported already. */
  notes: string[]
  /** Bytes of each chunk; null if they are not known. */
  bytes: ReadonlyMap<Chunk, number | null>
  /** Tables that each drop locks briefly, because the table references them. */
  referenced: string[]
}

/** The steps that export, if that is wanted, and drop ranges of chunks: one transaction a range. */
export async function planDrops(db: Database, request: DropsRequest): Promise<PlannedDrops> {
  const {table, clock, ranges, guarded, dependsOn, exportTo} = request
  const chunks = ranges.flatMap(({range}) => range.chunks)
  const rows = await db.query<{name: string}>(statement(loadSql('chunks/referenced-tables'), [table.relation]))
  const referenced = rows.map(({name}) => name)
  const bytes = await bytesOf(db, chunks)
  const exports = exportTo === null ? null : await exportSteps(db, table, clock, chunks, exportTo)
  const options = {
    server: db.server,
    table,
    guarded,
    referenced,
    dependsOn,
    exported: exportTo && {settings: exportTo, subjectOf: (chunk: Chunk) => chunkSubject(table, clock, chunk)},
  }
  const drops: Step[] = []
  for (const [place, {range, index}] of ranges.entries()) {
    const before = ranges[place - 1]
    const follows = before !== undefined && guarded !== null && shareBucket(guarded, before.index, range.span)
    drops.push(
      dropStep(range, index, total(range.chunks, bytes), {
        ...options,
        dependsOn: [...dependsOn, ...(follows ? [drops.at(-1)!.id] : [])],
      }),
    )
  }
  return {steps: [...(exports?.steps ?? []), ...drops], notes: exports?.notes ?? [], bytes, referenced}
}
