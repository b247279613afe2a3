import type {SelectedTarget} from '../../config/select-targets.js'
import type {ErrorDocument} from '../../errors.js'
import type {Limits} from '../../run/limits.js'
import type {ReportTable, TableContext} from '../../units/report-table.js'
import {jsonDocument} from '../json-instants.js'
import {failedEntry, onTargets, type OpenTarget, type Selected, type TargetsRequest} from './on-targets.js'
import type {Reading, Show} from './reading.js'
import {verdictOf, type FleetLine, type FleetRow, type ShownRows} from './tables.js'

export interface FleetRequest extends Omit<TargetsRequest, 'needs' | 'create' | 'goOn'> {
  /** The result depends on row contents. */
  rows: boolean
  limits(config: SelectedTarget['config']): Limits
  /** The rows in the order of --sort, at most as many as --limit. */
  listed<Row, Context extends TableContext>(table: ReportTable<Row, Context>, rows: readonly Row[]): Promise<Row[]>
  /** Whether sentences for people are needed. */
  sentences: boolean
  /** Called with each target as soon as it has been read. */
  done(line: FleetLine): void
}

/** Reads the report of every target. A failure is the line of its target. */
export async function readReports<Read, Report>(
  targets: readonly Selected[],
  reading: Reading<Read, Report>,
  request: FleetRequest,
): Promise<FleetLine[]> {
  return onTargets<FleetLine>(
    targets,
    {...request, needs: {changes: false, rows: request.rows}},
    {run: (open) => readTarget(open, reading, request), failed: failedLine, done: request.done},
  )
}

async function readTarget<Read, Report>(
  {selected: {name, config}, db, byCondition, stop}: OpenTarget,
  reading: Reading<Read, Report>,
  request: FleetRequest,
): Promise<FleetLine> {
  const read = await reading.read(db, {config, limits: () => request.limits(config), stop})
  const share = reading.workers ? await (await import('../../db/server-workers.js')).readWorkerShare(db) : null
  const {show, shown} = collector(name, request)
  const report = await reading.show(read, show, {server: db.server, report: () => {}})
  const {condition} = db.server
  return {
    target: name,
    labels: config.labels,
    exitCode: reading.exitCode?.(read) ?? byCondition,
    ms: 0,
    report: jsonDocument(
      report,
      condition.map(({code}) => code),
    ),
    shown: shown(),
    conditions: condition.map(({message}) => message),
    share,
  }
}

/** Keeps what a report shows. */
function collector(target: string, request: FleetRequest): {show: Show; shown(): ShownRows | null} {
  let kept: ShownRows | null = null
  return {
    async show(table, context, rows, around) {
      const listed = await request.listed(table, rows)
      kept = {
        // The context of a row goes with it, so that rows of many targets fit in one table.
        table: table as unknown as ReportTable<unknown>,
        rows: listed.map((row): FleetRow => ({target, row, context})),
        marked: rows.filter((row) => table.marked?.(row, context) ?? false).length,
        count: rows.length,
        verdict: request.sentences ? verdictOf(await around()) : '',
      }
      return listed
    },
    shown: () => kept,
  }
}

function failedLine(target: Selected, error: ErrorDocument): FleetLine {
  return {...failedEntry(target, error), shown: null, conditions: [], share: null}
}
