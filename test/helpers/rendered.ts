import type {AggregatesReport} from '../../src/aggregates/list.js'
import {aggregatesTable} from '../../src/aggregates/list-table.js'
import {aroundAggregates} from '../../src/cli/render/aggregates.js'
import {aroundChunks} from '../../src/cli/render/chunks.js'
import {aroundPartitions, aroundSets} from '../../src/cli/render/partitions.js'
import {aroundPolicyStatus} from '../../src/cli/render/policies.js'
import {renderReport, type ReportStyle} from '../../src/cli/render/report.js'
import type {Around} from '../../src/cli/render/shown.js'
import {aroundCompression, aroundQueries, aroundStats} from '../../src/cli/render/stats.js'
import type {TableStyle} from '../../src/cli/render/table.js'
import {aroundVerify} from '../../src/cli/render/verify.js'
import type {PartitionsReport} from '../../src/partitions/list.js'
import {partitionsTable, setsTable} from '../../src/partitions/list-table.js'
import {policyStatusTable} from '../../src/policies/status/table.js'
import type {PolicyStatusReport} from '../../src/policies/status/types.js'
import type {ChunksReport} from '../../src/reports/chunks.js'
import {chunksTable} from '../../src/reports/chunks-table.js'
import type {CompressionReport} from '../../src/reports/compression.js'
import {compressionTable} from '../../src/reports/compression-table.js'
import type {QueriesReport} from '../../src/reports/queries.js'
import {queriesTable} from '../../src/reports/queries-table.js'
import type {StatsReport} from '../../src/reports/stats.js'
import {statsTable} from '../../src/reports/stats-table.js'
import {differencesTable} from '../../src/schema/verify-table.js'
import type {ReportedDifference} from '../../src/schema/verify.js'
import type {ReportTable, TableContext} from '../../src/units/report-table.js'

function text<Row, Context extends TableContext>(
  table: ReportTable<Row, Context>,
  context: Context,
  rows: readonly Row[],
  around: Around<Row>,
  style: ReportStyle,
): string {
  return renderReport({table, context, rows, ...around}, style)
}

/** The reports as their commands print them on a terminal. */
export const renderStats = (report: StatsReport, style: TableStyle): string =>
  text(statsTable, report, report.tables, aroundStats(report), style)

export const renderCompression = (report: CompressionReport, style: TableStyle): string =>
  text(compressionTable, report, report.tables, aroundCompression(report), style)

export const renderChunks = (
  report: ChunksReport,
  style: ReportStyle,
  {late, fast}: {late: boolean; fast: boolean},
): string => text(chunksTable, {at: report.at, fast}, report.chunks, aroundChunks(report, late), style)

export const renderQueries = (report: QueriesReport, style: TableStyle): string =>
  text(queriesTable, report, report.queries, aroundQueries(report), style)

export const renderAggregates = (report: AggregatesReport, style: TableStyle): string =>
  text(aggregatesTable, report, report.aggregates, aroundAggregates(report), style)

/** No cell of these reports is an age. */
const noAge = {at: ''}

export const renderSets = (report: PartitionsReport, style: TableStyle): string =>
  text(setsTable, noAge, report.tables, aroundSets(report), style)

export const renderPartitions = (report: PartitionsReport, style: TableStyle): string =>
  text(partitionsTable, noAge, report.partitions, aroundPartitions(report), style)

export const renderPolicyStatus = (report: PolicyStatusReport, style: TableStyle, failed: boolean): string =>
  text(policyStatusTable, report, report.policies, aroundPolicyStatus(report, {all: false, failed}), style)

export const renderVerify = (
  differences: readonly ReportedDifference[],
  relations: number,
  style: TableStyle,
): string => text(differencesTable, noAge, differences, aroundVerify(differences, relations), style)
