import {shortName} from '../../db/qualified-name.js'
import {jobErrorText} from '../../policies/status/job-error.js'
import type {NotDone, RuleText} from '../../policies/status/types.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {databaseEvidence} from './database.js'
import type {Evidence} from './explanation.js'
import type {PolicyFacts} from './policy-facts.js'
import {lockEvidence} from './sessions.js'
import {agoText, nextRunText} from './times.js'

/** Chunks that are named; the rest is counted. */
const named = 3

export function policyEvidence(facts: PolicyFacts): Evidence[] {
  return [
    ...ruleEvidence(facts),
    runnerEvidence(facts),
    ...workEvidence(facts),
    ...runEvidence(facts),
    ...databaseEvidence(facts.server),
    ...lockEvidence(facts.sessions),
    ...historyEvidence(facts),
  ]
}

function ruleEvidence({status: {declared, live}}: PolicyFacts): Evidence[] {
  const isDeclared = declared !== null && declared !== 'none'
  if (live === null)
    return isDeclared ? [{topic: 'rule', message: `Declared: ${settingsText(declared)}; not live.`}] : []
  if (!isDeclared) return [{topic: 'rule', message: `Live: ${settingsText(live)}; not declared.`}]
  return [
    {topic: 'rule', message: `Declared: ${settingsText(declared)}.`},
    {topic: 'rule', message: `Live: ${settingsText(live)}.`},
  ]
}

/** As the configuration names the settings: `after 2 years; segmentBy symbol`. */
function settingsText(rule: RuleText): string {
  const set = Object.entries(rule).filter(([, value]) => value !== null && value !== undefined && value !== false)
  return set.map(([name, value]) => (value === true ? name : `${name} ${[value].flat().join(', ')}`)).join('; ')
}

function runnerEvidence({status}: PolicyFacts): Evidence {
  const {runner, runnerAlive, jobId, paused, gated, problems} = status
  const gone = problems.some(({code}) => code === 'gate_procedure_missing')
  const alive = gone
    ? 'unable to run it without its procedure'
    : {true: 'running', false: 'not running', null: 'not known to be running'}[`${runnerAlive}`]
  const job = jobId === null ? '' : `, job ${jobId}${paused === true ? ', paused' : ''}`
  const by = runner === 'none' ? 'Nothing runs it' : `Run by ${runner}, which is ${alive}`
  return {topic: 'runner', message: `${by}${job}${gated ? ', gated' : ''}.`}
}

function workEvidence({status: {due, notDone}, at}: PolicyFacts): Evidence[] {
  if (due === null || notDone === null) return [{topic: 'work', message: 'What is due is not known.'}]
  const count: Evidence = {topic: 'work', message: `${due} due, ${notDone.length} not done.`}
  const rest = notDone.length - named
  const more: Evidence[] = rest > 0 ? [{topic: 'work', message: `${rest} more that are not done.`}] : []
  return [count, ...notDone.slice(0, named).map((one) => oneNotDone(one, at)), ...more]
}

function oneNotDone({chunk, range, since, why}: NotDone, at: Instant): Evidence {
  const waits = since === null ? '' : `, due for ${formatAge(secondsBetween(since, at))}`
  return {topic: 'work', message: `${chunk ?? range}: ${why}${waits}.`}
}

function runEvidence({status, at}: PolicyFacts): Evidence[] {
  const {lastRunAt, lastStatus, nextRunAt, lastError, lastErrorVisible, jobId} = status
  if (jobId === null) return []
  const last =
    lastRunAt === null
      ? 'It has never run'
      : `The last run was ${agoText(lastRunAt, at)} and says ${lastStatus ?? 'nothing'}`
  const evidence: Evidence[] = [{topic: 'run', message: `${last}; ${nextRunText(nextRunAt, at)}.`}]
  if (!lastErrorVisible && lastError === null)
    evidence.push({topic: 'error', message: 'This role may not see the errors of the job.'})
  if (lastError !== null)
    evidence.push({
      topic: 'error',
      message:
        `The last error${lastError.at === null ? '' : `, ${agoText(lastError.at, at)}`}: ` +
        `${jobErrorText(lastError)}.`,
    })
  return evidence
}

function historyEvidence({runs, at}: PolicyFacts): Evidence[] {
  if (runs === null) return [{topic: 'history', message: 'This role may not read the record of changes.'}]
  return runs.map(({id, operation, status, startedAt, error}) => ({
    topic: 'history',
    message:
      `Run ${id}${startedAt === null ? '' : `, ${agoText(startedAt, at)}`}: ${operation}, ` +
      `${status}${error === null ? '' : `: ${error}`}.`,
  }))
}

/** How a policy is called in a sentence. */
export function policyName({schema, table, kind}: {schema: string; table: string; kind: string}): string {
  return `${shortName(schema, table)} ${kind}`
}
