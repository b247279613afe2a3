import type {FailedTarget, SelectedTarget} from '../../config/select-targets.js'
import {withDatabase, embeddedDirectory, type Database, type Target} from '../../db/database.js'
import {connectionParameters, type Environment} from '../../db/libpq.js'
import {redact} from '../../db/redact.js'
import {withUsableRole} from '../../db/target-role.js'
import {ExitCode, OpsError, type ErrorDocument} from '../../errors.js'
import {nameHolders} from '../../run/blockers.js'
import type {Limits} from '../../run/limits.js'
import {whileNaming} from '../../units/command.js'
import type {ReportTable, TableContext} from '../../units/report-table.js'
import {errorJson, translateError} from '../command-error.js'
import {checkCondition} from '../condition.js'
import {jsonDocument} from '../json-instants.js'
import type {Reading, Show} from './reading.js'
import {runAll} from './run-all.js'
import {verdictOf, type FleetLine, type FleetRow, type ShownRows} from './tables.js'

/** At most this many sessions on one server: more gain nothing, and many small servers allow few. */
const perServer = 2
/** Milliseconds between the end of the time of a target and the end of its session. */
const grace = 1_000

export interface FleetRequest {
  /** The command, with spaces. */
  id: string
  applicationName: string
  parallel: number
  /** Milliseconds for one target. */
  timeout: number
  limits(config: SelectedTarget['config']): Limits
  /** The rows in the order of --sort, at most as many as --limit. */
  listed<Row, Context extends TableContext>(table: ReportTable<Row, Context>, rows: readonly Row[]): Promise<Row[]>
  /** Whether sentences for people are needed. */
  sentences: boolean
  /** Called with each target as soon as it has been read. */
  done(line: FleetLine): void
  env: Environment
}

type Selected = SelectedTarget | FailedTarget

/** Reads the report of every target. A failure is the line of its target. */
export async function readReports<Read, Report>(
  targets: readonly Selected[],
  reading: Reading<Read, Report>,
  request: FleetRequest,
): Promise<FleetLine[]> {
  const connected = new Set<string>()
  const seconds = request.timeout / 1000
  return runAll<Selected, FleetLine>(
    targets,
    {
      parallel: request.parallel,
      perKey: perServer,
      key: (each) => serverOf(each, request.env),
      timeout: request.timeout,
    },
    {
      run: (each, stop) =>
        whileNaming(each.name, () => {
          if ('error' in each) throw each.error
          return readTarget(each, reading, request, {stop, onConnect: () => connected.add(each.name)})
        }),
      failed: (each, error) =>
        whileNaming(each.name, async () => {
          const known =
            error === null
              ? tooSlow(each.name, seconds, connected.has(each.name))
              : await translateError(error, `run ${request.id}`)
          return failedLine(each, errorJson(known, request.id).error)
        }),
      done: (_, line, ms) => {
        line.ms = ms
        request.done(line)
      },
    },
  )
}

interface Progress {
  stop: AbortSignal
  onConnect(): void
}

async function readTarget<Read, Report>(
  {name, target, config}: SelectedTarget,
  reading: Reading<Read, Report>,
  request: FleetRequest,
  {stop, onConnect}: Progress,
): Promise<FleetLine> {
  return withDatabase(target, {applicationName: request.applicationName}, async (db) => {
    onConnect()
    endWith(stop, db)
    const byCondition = checkCondition(db.server, {changes: false, rows: false})
    const read = await nameHolders(db, `run ${request.id}`, () =>
      withUsableRole(db, false, () => reading.read(db, {config, limits: () => request.limits(config), stop})),
    )
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
    }
  })
}

/** Cancels the running statement when the time is over, and closes the session soon after. */
function endWith(stop: AbortSignal, db: Database): void {
  const end = () => {
    db.cancel().catch(() => {})
    setTimeout(() => db.abort(), grace).unref()
  }
  if (stop.aborted) end()
  else stop.addEventListener('abort', end, {once: true})
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

function failedLine({name, config}: Selected, error: ErrorDocument): FleetLine {
  const {message, suggestions, exitCode} = error
  return {
    target: name,
    labels: config.labels,
    exitCode: exitCode as ExitCode,
    ms: 0,
    error: {...error, message: redact(message), suggestions: suggestions.map(redact)},
    shown: null,
    conditions: [],
  }
}

function tooSlow(name: string, seconds: number, connected: boolean): OpsError {
  return new OpsError(
    'TARGET_TIMEOUT',
    connected
      ? `${name} did not answer completely within ${seconds} s.`
      : `${name} could not be reached within ${seconds} s.`,
    {
      exit: connected ? ExitCode.failed : ExitCode.cannotConnect,
      retryable: true,
      suggestions: ['Give each target more time: --target-timeout 5min'],
    },
  )
}

/** The same for two targets that share a server. */
function serverOf(each: Selected, env: Environment): string {
  if ('error' in each) return each.name
  const {url}: Target = each.target
  // They share the memory and the processor of this machine.
  if (embeddedDirectory(url) !== null) return 'embedded'
  try {
    const {host, hostaddr, port} = connectionParameters(url, env)
    return JSON.stringify([hostaddr ?? host ?? '', port ?? '5432'])
  } catch {
    // The connection fails with the reason.
    return each.name
  }
}
