import type {FindingContext} from './finding-context.js'
import {secondsBetween} from '../units/instant.js'
import {command} from '../units/command.js'
import {adviceOf} from './advice.js'
import {alterJobSql} from './job-sql.js'
import type {NotDone, NotDoneCode, PolicyStatus} from './status-types.js'

/** What a person should know of a policy, most important first; empty where all is well. */
export function findingsOf(status: PolicyStatus, context: FindingContext): string[] {
  const {rule, server, at} = context
  const {jobId, paused, runner, runnerAlive, gated, lastError, lastStatus} = status
  const notDone = status.notDone ?? []
  const findings: string[] = []
  if (paused)
    findings.push(
      `job ${jobId} is paused. Fix: ${status.managed ? command('policies apply') : alterJobSql(server, jobId!)}`,
    )
  if (gated && rule?.gate?.consentValid === false)
    findings.push(`not confirmed since the policy changed, so nothing is dropped. Fix: ${command('policies apply')}`)
  if (gated && rule?.gate?.consentValid !== false && jobId !== null && rule?.gate?.jobConsentMatches === false)
    findings.push(
      `its job was made for another confirmed policy, so nothing is dropped. Fix: ${command('policies apply')}`,
    )
  if (gated && server.engine === 'timescaledb' && jobId === null)
    findings.push(`its job is missing. Fix: ${command('policies apply')}`)
  if (status.ok === false && notDone.length > 0) {
    const ago = status.lastRunAt === null ? '' : ` ${hours(secondsBetween(status.lastRunAt, at))} ago`
    const says = lastStatus === null ? '' : `job ${jobId} says ${lastStatus}${ago}; `
    const [first, ...more] = adviceOf(status, context)
    findings.push(`${says}${inWords(notDone)}. ${first}`, ...more)
  }
  if (status.ok === null && context.unknown !== null) findings.push(context.unknown)
  // An error of before the last run that went well is history.
  const stillHolds =
    lastStatus !== 'Success' ||
    lastError?.at == null ||
    status.lastRunAt === null ||
    secondsBetween(status.lastRunAt, lastError.at) >= 0
  if (lastError !== null && stillHolds && (lastStatus === 'Failed' || status.ok === false))
    findings.push(`last error: ${lastError.message}${lastError.state === null ? '' : ` [${lastError.state}]`}`)
  if (!paused && runnerAlive === false)
    findings.push(
      runner === 'nobody'
        ? 'nothing runs it: no worker, no pg_cron job and no daemon was found'
        : `depends on ${runner}, which is not running`,
    )
  if (!status.lastErrorVisible && lastError === null && jobId !== null)
    findings.push("this role may not see its job's errors")
  return findings
}

/** Said of a chunk in one word behind `was` or `were`; everything else holds it back. */
const plainly: ReadonlySet<NotDoneCode> = new Set([
  'never_compressed',
  'refilled',
  'unordered',
  'not_dropped',
  'never_refreshed',
])

/** `2 chunks were never compressed, 1 was refilled`; of chunks that are held back the first reason is told. */
function inWords(notDone: readonly NotDone[]): string {
  const groups = new Map<NotDoneCode, NotDone[]>()
  for (const each of notDone) groups.set(each.code, [...(groups.get(each.code) ?? []), each])
  const parts = [...groups].map(([code, group], index) => {
    const count = group.length
    const noun = index === 0 ? ` ${notDone[0]!.chunk === null ? 'range' : 'chunk'}${count === 1 ? '' : 's'}` : ''
    if (code === 'changed_since') return `rows of ${count}${noun === '' ? ' ranges' : noun} changed after the refresh`
    if (plainly.has(code)) return `${count}${noun} ${count === 1 ? 'was' : 'were'} ${group[0]!.why}`
    return `${count}${noun} held back: ${group[0]!.why}${new Set(group.map(({why}) => why)).size > 1 ? ', …' : ''}`
  })
  return parts.join('; ')
}

function hours(seconds: number): string {
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
