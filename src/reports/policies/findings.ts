import type {Server} from '../../db/server.js'
import {shortName} from '../../db/qualified-name.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import type {LiveRule} from './state.js'
import type {NotDone, PolicyStatus} from './status-types.js'
import {command} from '../../units/command.js'

/** What a person should know of a policy, most important first; empty where all is well. */
export function findingsOf(status: PolicyStatus, rule: LiveRule | null, server: Server, at: Instant): string[] {
  const {schema, table, jobId, paused, runner, runnerAlive, notDone, gated, lastError, lastStatus} = status
  const name = shortName(schema, table)
  const findings: string[] = []
  if (paused) findings.push(`job ${jobId} is paused. Fix: ${status.managed ? command('policies apply') : `select alter_job(${jobId}, scheduled => true)`}`)
  if (gated && rule?.gate?.agreed === false) findings.push(`not confirmed since the policy changed, so nothing is dropped. Fix: ${command('policies apply')}`)
  if (gated && rule?.gate?.agreed !== false && jobId !== null && rule?.gate?.jobAgrees === false)
    findings.push(`its job was made for another confirmed policy, so nothing is dropped. Fix: ${command('policies apply')}`)
  if (gated && server.engine === 'timescaledb' && jobId === null) findings.push(`its job is missing. Fix: ${command('policies apply')}`)
  if (status.ok === false && notDone.length > 0) {
    const says = lastStatus === null ? '' : `job ${jobId} says ${lastStatus}${status.lastRunAt === null ? '' : ` ${hours(secondsBetween(status.lastRunAt, at))} ago`}; `
    findings.push(`${says}${inWords(notDone)}. ${fixOf(status, name, rule)}`)
  }
  // An error of before the last run that went well is history.
  const stillHolds = lastStatus !== 'Success' || lastError?.at == null || status.lastRunAt === null || secondsBetween(status.lastRunAt, lastError.at) >= 0
  if (lastError !== null && stillHolds && (lastStatus === 'Failed' || status.ok === false)) findings.push(`last error: ${lastError.message}${lastError.state === null ? '' : ` [${lastError.state}]`}`)
  if (!paused && runnerAlive === false) findings.push(runner === 'nobody' ? 'carried out by nobody: no worker, no pg_cron, no daemon is seen' : `meant to be carried out by ${runner}, which is not alive`)
  if (!status.lastErrorVisible && jobId !== null) findings.push("this role may not see its job's errors")
  return findings
}

/** What to do. Retention that an aggregate holds back needs a refresh, not a drop; one that has much to drop needs patience. */
function fixOf(status: PolicyStatus, name: string, rule: LiveRule | null): string {
  const command = commandOf(status, name)
  if (command !== null) return `Fix: ${command}`
  return status.notDone.every(({why}) => why === 'not dropped')
    ? `Each run drops at most ${rule?.gate?.maxDropPerRun ?? 8} (limits.maxDropPerRun); the next one goes on`
    : 'The reasons are in --json'
}

function commandOf({kind, notDone, gated, runnerAlive}: PolicyStatus, name: string): string | null {
  if (kind === 'compression') return command('chunks compress', [name])
  if (kind === 'refresh') return command('aggregates refresh', [name])
  const gaps = notDone.flatMap(({why}) => {
    const [, view, from, to] = /^(.+?) has not covered (.+?) to (.+)$/.exec(why) ?? []
    return view === undefined ? [] : [{view, from: instantIn(from!), to: instantIn(to!)}]
  })
  const view = gaps[0]?.view
  if (view !== undefined) return command('aggregates refresh', [view], lackingRange(gaps.filter((gap) => gap.view === view)))
  if (gated && runnerAlive !== true) return command('jobs run', ['retain'])
  return gated ? null : command('chunks drop', [name])
}

/** Over all that is lacking, since the policy's own window would not reach that far back; integers have no instants. */
function lackingRange(gaps: readonly {from: string | null; to: string | null}[]): {from?: string; to?: string} {
  const from = gaps.flatMap((gap) => gap.from ?? []).sort()[0]
  const to = gaps.flatMap((gap) => gap.to ?? []).sort().at(-1)
  return from === undefined || to === undefined ? {} : {from, to}
}

/** As PostgreSQL writes it in UTC. */
function instantIn(text: string): string | null {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) ([\d:.]+)\+00$/.exec(text) ?? []
  return day === undefined ? null : `${day}T${time}Z`
}

/** `2 chunks were never compressed, 1 was refilled`; of what an aggregate has not covered the first range is named. */
function inWords(notDone: readonly NotDone[]): string {
  const reasons = new Map<string, {count: number; first: string}>()
  for (const {why} of notDone) {
    const key = why.replace(/( has not covered) .*/, '$1')
    reasons.set(key, {count: (reasons.get(key)?.count ?? 0) + 1, first: reasons.get(key)?.first ?? why})
  }
  const parts = [...reasons.values()].map(({count, first}, index) => {
    const noun = index === 0 ? ` ${notDone[0]!.chunk === null ? 'range' : 'chunk'}${count === 1 ? '' : 's'}` : ''
    if (/^(never|refilled|unordered|not dropped)/.test(first)) return `${count}${noun} ${count === 1 ? 'was' : 'were'} ${first}`
    return `${count}${noun} held back: ${first}${count > 1 && first.includes(' has not covered ') ? ', …' : ''}`
  })
  return parts.join('; ')
}

function hours(seconds: number): string {
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
