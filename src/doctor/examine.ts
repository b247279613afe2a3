import type {Database} from '../db/database.js'
import {isConnectionLost, serverMessage, sqlState, SqlState} from '../db/sqlstate.js'
import type {Server} from '../db/server.js'
import {statement} from '../db/sql.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import {command} from '../units/command.js'
import {similar} from '../units/similar.js'
import {groupOf, groups, type Check} from './check.js'
import {checkContext, type CheckContext, type DoctorRequest} from './context.js'
import {NotKnown, type CheckStatus, type Finding} from './finding.js'
import {checks as registered} from './registry.js'
import {bySeverity, type CheckReport, type DoctorReport} from './report.js'

/** Ids of checks or names of groups; an empty `only` means all. */
export interface Selection {
  only: readonly string[]
  skip: readonly string[]
}

/**
 * The checks that a selection means, in the order of the registry.
 * @throws OpsError BAD_CHECK where a name is neither a check nor a group
 */
export function selectChecks({only, skip}: Selection, from: readonly Check[] = registered): Check[] {
  const names: string[] = [...groups, ...from.map(({id}) => id)]
  for (const name of [...only, ...skip]) if (!names.includes(name)) throw unknownCheck(name, names)
  const named = (check: Check, list: readonly string[]) => list.includes(check.id) || list.includes(groupOf(check))
  return from.filter((check) => (only.length === 0 || named(check, only)) && !named(check, skip))
}

function unknownCheck(name: string, names: readonly string[]): OpsError {
  const near = similar(name, names)
  return usageError('BAD_CHECK', `There is no check or group of checks ${name}.`, [
    ...(near === null ? [] : [`Did you mean ${near}?`]),
    `Groups: ${groups.join(', ')}. The checks of a database: ${command('doctor', [], {all: true})}`,
  ])
}

/**
 * Runs the checks concurrently. A check that fails is UNKNOWN and does not stop the others.
 * @param request.table as the operator typed it; then only checks about tables run, for this table
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS, and when the connection is lost
 */
export async function examine(db: Database, request: DoctorRequest, checks: readonly Check[]): Promise<DoctorReport> {
  const context = checkContext(db, request)
  // A wrong name is the operator's mistake, not a finding of each check.
  const named = request.table === undefined ? Promise.resolve() : context.snapshot()
  const asked = checks.filter(
    (check) => (request.table === undefined || check.about === 'tables') && (check.applies?.(db.server) ?? true),
  )
  const running = Promise.all(asked.map((check) => runCheck(check, context)))
  const [, at, reports] = await Promise.all([named, readClock(context), running])
  return {
    kind: 'doctor',
    version: 1,
    target: null,
    at,
    server: describe(db.server),
    checks: bySeverity(reports),
    counts: count(reports),
  }
}

async function readClock({db}: CheckContext): Promise<string> {
  const [row] = await db.query<{now: string}>(statement('select clock_timestamp() as now'))
  return row!.now
}

function describe({postgres, timescaledb, edition, inRecovery, workers, condition}: Server): DoctorReport['server'] {
  return {postgres, timescaledb, edition, inRecovery, workers, condition: condition.map(({code}) => code)}
}

function count(reports: readonly CheckReport[]): DoctorReport['counts'] {
  const of = (wanted: CheckStatus) => reports.filter(({status}) => status === wanted).length
  return {critical: of('critical'), warning: of('warning'), unknown: of('unknown'), passed: of('passed')}
}

async function runCheck(check: Check, context: CheckContext): Promise<CheckReport> {
  const head = {id: check.id, group: groupOf(check)}
  try {
    const findings = bySeverity((await check.run(context)).map((each) => ({...each, status: each.severity}))).map(
      ({status: _, ...finding}): Finding => finding,
    )
    const status = findings[0]?.severity ?? 'passed'
    const title = status === 'passed' ? check.passes : check.problem
    return {...head, status, title, findings, missing: null, missingFix: null}
  } catch (error) {
    if (isConnectionLost(error) || isMistake(error)) throw error
    const {missing, fix} = error instanceof NotKnown ? error : notKnown(error, context.server)
    return {...head, status: 'unknown', title: check.problem, findings: [], missing, missingFix: fix}
  }
}

/** A wrong table name, which every check about tables meets. */
function isMistake(error: unknown): boolean {
  return error instanceof OpsError && error.exitCode === ExitCode.usage
}

function notKnown(error: unknown, server: Server): NotKnown {
  const said = serverMessage(error)
  switch (sqlState(error)) {
    case SqlState.noPrivilege:
      return new NotKnown(`The role ${server.role} may not read what this check needs: ${said}.`)
    case SqlState.canceled:
      return new NotKnown(`The query of this check took too long: ${said}.`)
    case SqlState.lockNotAvailable:
      return new NotKnown(`Another session holds a lock on what this check reads: ${said}.`)
    default:
      return new NotKnown(`The check failed: ${said}.`)
  }
}
