import type {FindingContext} from './finding-context.js'
import type {Table} from '../../catalog/table.js'
import {can} from '../../engines/index.js'
import {isUndone, type PolicyKindName} from '../../engines/policy-kinds.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween} from '../../units/instant.js'
import {command} from '../../units/command.js'
import {kindNamed} from '../kinds/index.js'
import {alterJobSql} from '../plan/job-sql.js'
import {jobErrorText} from './job-error.js'
import {exportsRows} from '../retention-export.js'
import {
  fixBy,
  policyProblem,
  runnerNotRunning,
  type JudgedPolicy,
  type NotDone,
  type NotDoneCode,
  type PolicyProblem,
  type PolicyStatus,
} from './types.js'

/** The problems of a policy, the most important first; empty if there are none. */
export function problemsOf(status: JudgedPolicy, context: FindingContext): PolicyProblem[] {
  return [
    ...context.problems,
    ...jobProblems(status, context),
    ...workProblems(status, context),
    ...runProblems(status, context),
  ]
}

/** A status with its problems, and their messages as `findings`. */
export function withProblems(status: JudgedPolicy, problems: readonly PolicyProblem[]): PolicyStatus {
  return {...status, findings: problems.map(({message}) => message), problems: [...problems]}
}

/** Problems of the job: paused, missing, or not as declared and confirmed. */
function jobProblems(status: JudgedPolicy, {rule, server}: FindingContext): PolicyProblem[] {
  const {jobId, paused, gated} = status
  const problems: PolicyProblem[] = []
  const apply = fixBy(command('policies apply'))
  if (paused)
    problems.push(
      policyProblem(
        'paused',
        `job ${jobId} is paused`,
        status.managed ? apply : fixBy(alterJobSql(server, jobId!), 'sql'),
      ),
    )
  if (gated && rule?.gate?.consentValid === false)
    problems.push(
      policyProblem('not_confirmed', 'not confirmed since the policy changed, so nothing is dropped', apply),
    )
  if (gated && rule?.gate?.consentValid !== false && jobId !== null && rule?.gate?.jobConsentMatches === false)
    problems.push(
      policyProblem(
        'job_not_confirmed',
        'its job was created for another confirmed policy, so nothing is dropped',
        apply,
      ),
    )
  if (gated && can(server.engine, 'policies') && jobId === null && !exportsRows(rule?.gate ?? null))
    problems.push(policyProblem('job_missing', 'its job is missing', apply))
  return problems
}

function workProblems(status: JudgedPolicy, context: FindingContext): PolicyProblem[] {
  const {jobId, lastStatus} = status
  const notDone = status.notDone ?? []
  const problems: PolicyProblem[] = []
  if (status.ok === false && notDone.length > 0) {
    const ago = status.lastRunAt === null ? '' : ` ${formatAge(secondsBetween(status.lastRunAt, context.at))} ago`
    const says = lastStatus === null ? '' : `job ${jobId} reported ${lastStatus}${ago}; `
    const [first, ...more] = kindNamed(status.kind).advice(status, context)
    problems.push(
      policyProblem('not_done', `${says}${inWords(status.kind, notDone, context.table)}`, first ?? null),
      ...more.map(({lead, fix}) => policyProblem('not_done', `${lead}${fix.text}`)),
    )
  }
  if (status.ok === null && context.unknown !== null) problems.push(context.unknown)
  return problems
}

/** Problems of the runner and of its last run. */
function runProblems(status: JudgedPolicy, {rule, problems: own}: FindingContext): PolicyProblem[] {
  const {jobId, paused, runner, runnerAlive, lastError, lastStatus} = status
  const problems: PolicyProblem[] = []
  // An error before the last successful run no longer matters.
  const stillHolds =
    lastStatus !== 'Success' ||
    lastError?.at == null ||
    status.lastRunAt === null ||
    secondsBetween(status.lastRunAt, lastError.at) >= 0
  if (lastError !== null && stillHolds && (lastStatus === 'Failed' || status.ok === false))
    problems.push(policyProblem('last_error', `last error: ${jobErrorText(lastError)}`))
  // Without its procedure the job of a gate does nothing, whether or not its runner works.
  const gateless = own.some(({code}) => code === 'gate_procedure_missing')
  if (!paused && runnerAlive === false && !gateless)
    problems.push(
      runner === 'none'
        ? policyProblem(
            'no_runner',
            exportsRows(rule?.gate ?? null)
              ? 'nothing runs it: only a daemon can export rows on a schedule, and no daemon was found'
              : 'nothing runs it: no worker, no pg_cron job and no daemon was found',
          )
        : runnerNotRunning(runner),
    )
  if (!status.lastErrorVisible && lastError === null && jobId !== null)
    problems.push(policyProblem('errors_not_visible', "this role may not see its job's errors"))
  return problems
}

/** `2 chunks were never compressed; 1 was refilled`. For chunks that are held back the first reason is given. */
function inWords(kind: PolicyKindName, notDone: readonly NotDone[], table: Table): string {
  const piece = table.kind === 'partitioned' ? 'partition' : 'chunk'
  const unit = notDone[0]?.chunk === null ? 'range' : piece
  const groups = new Map<NotDoneCode, NotDone[]>()
  for (const each of notDone) groups.set(each.code, [...(groups.get(each.code) ?? []), each])
  const parts = [...groups].map(([code, group], index) => {
    const count = group.length
    const noun = index === 0 ? ` ${unit}${count === 1 ? '' : 's'}` : ''
    const own = kindNamed(kind).notDoneInWords?.(code, {count, noun}) ?? null
    if (own !== null) return own
    if (isUndone(code)) return `${count}${noun} ${count === 1 ? 'was' : 'were'} ${group[0]!.why}`
    return `${count}${noun} held back: ${group[0]!.why}${new Set(group.map(({why}) => why)).size > 1 ? ', …' : ''}`
  })
  return parts.join('; ')
}
