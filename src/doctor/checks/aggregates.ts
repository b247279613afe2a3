import {readAggregates, type AggregateRow} from '../../aggregates/list.js'
import {refreshCommand} from '../../db/refresh-command.js'
import {ago, agoFrom} from '../../catalog/ages.js'
import {readChunkBytes, type ChunkBytes} from '../../catalog/chunk-bytes.js'
import {declarationLine} from '../../catalog/declaration-line.js'
import {formatInteger} from '../../catalog/format-point.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import type {Table} from '../../catalog/table.js'
import type {TableClock} from '../../catalog/table-clock.js'
import {totalOf} from '../../catalog/total-bytes.js'
import {rowsAreVisible} from '../../db/condition.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {ident} from '../../db/sql.js'
import {formatBytes} from '../../units/bytes.js'
import {command} from '../../units/command.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import {NotKnown, type Finding} from '../finding.js'
import {advice, commandFix, objectOf, sqlFix} from '../shared.js'

/** Sizes of the aggregates and their sources, as the last VACUUM or ANALYZE saw them: exact ones open every chunk. */
async function readBytes({db, snapshot}: CheckContext): Promise<ChunkBytes> {
  const {tables} = await snapshot()
  const sources = new Set(tables.map(({aggregate}) => aggregate?.source ?? null))
  return readChunkBytes(
    db,
    tables.filter((table) => table.aggregate !== null || sources.has(table)),
    true,
  )
}

async function readRows(context: CheckContext) {
  const [snapshot, bytes] = await Promise.all([context.snapshot(), context.once(readBytes)])
  return readAggregates(context.db, context.request.timeUnits, {snapshot, bytes})
}

/** @throws NotKnown where rows of a source or an aggregate cannot be seen */
async function knownRows(context: CheckContext): Promise<AggregateRow[]> {
  const {aggregates, notes} = await context.once(readRows)
  const unread = aggregates.filter(({source, pending}) => source !== null && pending === null)
  if (unread.length === 0) return aggregates
  if (!rowsAreVisible(context.server)) throw new NotKnown('Rows of compressed chunks are not seen in this database.')
  throw new NotKnown(notes[0] ?? `What is pending in ${unread.map(nameOf).join(', ')} is not known.`)
}

const nameOf = ({schema, view}: AggregateRow) => formatQualifiedName(schema, view)

function finding(row: AggregateRow, message: string, data: Finding['data']): Finding {
  return {
    severity: 'warning',
    object: {schema: row.schema, table: row.view},
    message,
    data,
    fix: commandFix(refreshCommand(row, row.pending!)),
  }
}

const isPending = ({pending}: AggregateRow) => pending !== null && pending.ranges > 0

const neverRefreshed: Check = {
  id: 'aggregates.never_refreshed',
  passes: 'Every aggregate over rows was refreshed at least once.',
  problem: 'aggregates that were never refreshed',
  about: 'tables',
  run: async (context) =>
    (await knownRows(context))
      .filter((row) => row.watermark === null && isPending(row))
      .map((row) =>
        finding(row, `It has computed nothing, though its source has rows since ${row.pending!.from}.`, {
          from: row.pending!.from,
          to: row.pending!.to,
        }),
      ),
}

/** Changed rows that no refresh policy will ever compute: there is none, or its window begins later. */
const unreachable: Check = {
  id: 'aggregates.pending_unreachable',
  passes: 'The refresh policy of every aggregate reaches all changes of its source.',
  problem: 'aggregates with changes that no refresh policy computes',
  about: 'tables',
  run: async (context) => {
    const [rows, snapshot] = await Promise.all([knownRows(context), context.snapshot()])
    return rows
      .filter((row) => row.watermark !== null && isPending(row) && isBeforeWindow(row, snapshot))
      .map((row) => {
        const {ranges, from, to} = row.pending!
        const why =
          row.policy === null
            ? 'it has no refresh policy'
            : `its refresh policy reaches back ${row.policy.startOffset} only`
        const count = ranges === 1 ? '1 range' : `${ranges} ranges`
        return finding(
          row,
          `Rows of ${count} between ${from} and ${to} were never computed, or changed since, and ${why}.`,
          {
            ranges,
            from,
            to,
            startOffset: row.policy?.startOffset ?? null,
          },
        )
      })
  },
}

/** Whether the first change lies before the window of the policy; true without a policy. */
function isBeforeWindow({schema, view, pending}: AggregateRow, {tables, policies, clocks}: CatalogSnapshot): boolean {
  const table = tables.find((each) => each.schema === schema && each.name === view)!
  const policy = policies.find((each) => each.table === table && each.kind === 'refresh')
  if (policy === undefined) return true
  if (policy.startOffset === null) return false
  const clock = clocks.get(table)!
  const start = formatInteger(ago(clock, policy.startOffset), table, clock)
  const from = pending!.from
  if (start === null || from === null) return false
  if (typeof from === 'number' || typeof start === 'number') return Number(from) < Number(start)
  return Date.parse(String(from)) < Date.parse(String(start))
}

/**
 * A refresh sets the watermark behind the newest bucket, and nothing sets it back: rows that come later and are older
 * than it are missing in the aggregate, also with real-time aggregation, until a refresh computes their bucket.
 */
const watermarkAhead: Check = {
  id: 'aggregates.watermark_ahead',
  passes: 'No aggregate is computed into the future.',
  problem: 'aggregates that are computed into the future',
  about: 'tables',
  applies: ({edition}) => edition !== null,
  async run(context) {
    const {tables, clocks} = await context.snapshot()
    return tables.flatMap((table): Finding[] => {
      const clock = clocks.get(table)
      const {watermark, source} = table.aggregate ?? {watermark: null, source: null}
      if (watermark === null || table.id === null || clock === undefined || !isAhead(table, clock)) return []
      const until = formatInteger(watermark, table, clock)
      const now = formatInteger(clock.now, table, clock)
      const from = source === null ? 'its source' : formatQualifiedName(source.schema, source.name)
      return [
        {
          severity: 'warning',
          object: objectOf(table),
          message:
            `It is computed up to ${until}, which is still to come: new rows older than that are missing in it ` +
            `until a refresh computes them again. ${from} had rows of that time.`,
          data: {watermark: until, now},
          fix: advice(
            `Delete such rows of ${from}, then ` +
              `\`${refreshCommand({schema: table.schema, view: table.name}, {from: now, to: until})}\`, then as a superuser: ` +
              `${resetWatermark(table.id)}`,
          ),
        },
      ]
    })
  },
}

const resetWatermark = (id: number) =>
  'update _timescaledb_catalog.continuous_aggs_watermark set watermark = ' +
  `_timescaledb_functions.cagg_watermark_materialized(${id}) where mat_hypertable_id = ${id}`

/** Whether the watermark is more than a bucket ahead: a refresh may compute the bucket that is now. */
function isAhead({aggregate}: Table, clock: TableClock): boolean {
  const {watermark, bucketWidth} = aggregate!
  if (watermark === null || bucketWidth === null) return false
  // A bucket and a bucket: buckets of months differ in length.
  const before = [bucketWidth, bucketWidth].reduce<bigint | null>(
    (point, width) => (point === null ? null : agoFrom(clock, point, width)),
    watermark,
  )
  return before !== null && clock.now !== null && before > clock.now
}

const largerThanSource: Check = {
  id: 'aggregates.larger_than_source',
  passes: 'No aggregate without compression is larger than what it summarises.',
  problem: 'aggregates that are larger than their source and not compressed',
  about: 'tables',
  applies: ({edition}) => edition !== null,
  run: async (context) => {
    const [{tables, policies}, bytes] = await Promise.all([context.snapshot(), context.once(readBytes)])
    return tables.flatMap((table): Finding[] => {
      const source = table.aggregate?.source
      if (source == null || table.compression || policies.some((each) => isCompression(each, table))) return []
      const [own, read] = [totalOf(table, bytes).total, totalOf(source, bytes).total]
      if (own !== null && own <= smallest) return []
      if (own === null || read === null) throw neverAnalyzed(own === null ? table : source)
      if (own <= read) return []
      const name = formatQualifiedName(table.schema, table.name)
      return [
        {
          severity: 'warning',
          object: objectOf(table),
          message: `It takes about ${formatBytes(own)}, its source ${formatBytes(read)}, and it is not compressed.`,
          data: {bytes: own, sourceBytes: read},
          fix: compressAggregate(table, name, policies, context.server.compressionNeedsRefresh),
        },
      ]
    })
  },
}

/**
 * The command that compresses an aggregate; before 2.27.2 the server wants a refresh policy first, which is a decision.
 */
function compressAggregate(
  table: Table,
  name: string,
  policies: CatalogSnapshot['policies'],
  needsRefresh: boolean,
): Finding['fix'] {
  const compress = command('policies set compression', [name], {after: '30d'})
  const refreshed = policies.some((policy) => policy.table === table && policy.kind === 'refresh')
  return refreshed || !needsRefresh
    ? commandFix(compress)
    : advice(
        `declare its refresh first (${declarationLine(table, 'refresh: {startOffset, endOffset, every}')}), then ${compress}`,
      )
}

/** Below this there is nothing to gain: ten chunks of an empty table with its indexes take as much. */
const smallest = 16 * 1_048_576

/** ANALYZE takes the name of a materialized view only where PostgreSQL made it: TimescaleDB keeps a table under it. */
function neverAnalyzed({schema, name, storage}: Table): NotKnown {
  const table = ident(storage.schema, storage.name)
  return new NotKnown(
    `The size of ${formatQualifiedName(schema, name)} is not known, because it was never analyzed.`,
    sqlFix(`analyze ${table.text}`),
  )
}

const isCompression = (policy: CatalogSnapshot['policies'][number], table: Table) =>
  policy.table === table && policy.kind === 'compression'

export const aggregateChecks: readonly Check[] = [neverRefreshed, unreachable, watermarkAhead, largerThanSource]
