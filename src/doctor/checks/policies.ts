import {shortName} from '../../db/qualified-name.js'
import type {PolicyProblem, PolicyProblemCode, PolicyStatus} from '../../policies/status-types.js'
import {command} from '../../units/command.js'
import type {Check} from '../check.js'
import {NotKnown, type Finding, type Fix, type Severity} from '../finding.js'
import {conflictChecks} from './policies/conflicts.js'
import {jobChecks} from './policies/jobs.js'

interface FromProblems {
  id: string
  severity: Severity
  /** Of the problems of `policies status`, which decides them. */
  codes: readonly PolicyProblemCode[]
  words: Pick<Check, 'passes' | 'problem'>
  /** Where the problem has no complete fix of its own. */
  fix?(policy: PolicyStatus): Fix
  /** Whether a policy of which nothing can be known makes the check UNKNOWN. */
  needsWork?: boolean
}

function fromProblems({id, severity, codes, words, fix, needsWork}: FromProblems): Check {
  return {
    id: `policies.${id}`,
    about: 'tables',
    ...words,
    run: async ({policyStatus}) => {
      const {policies} = await policyStatus()
      const found = policies.flatMap((policy) => {
        const problem = policy.problems.find(({code}) => codes.includes(code))
        return problem === undefined ? [] : [findingOf(policy, problem, severity, fix)]
      })
      const unknown = policies.find(({ok}) => ok === null)
      if (found.length === 0 && needsWork === true && unknown !== undefined) throw notKnown(unknown)
      return found
    },
  }
}

function findingOf(
  policy: PolicyStatus,
  {code, cause, fix}: PolicyProblem,
  severity: Severity,
  otherwise?: FromProblems['fix'],
): Finding {
  const {schema, table, kind, jobId, due, notDone, lastRunAt, lastError} = policy
  const which = `The ${kind} policy${jobId === null ? '' : ` (job ${jobId})`}`
  const instead = otherwise !== undefined && fix?.kind === 'advice' ? ` Instead: ${fix.text}.` : ''
  return {
    severity,
    object: {schema, table},
    message: `${which}: ${cause}.${instead}`,
    data: {
      kind,
      jobId,
      code,
      due,
      notDone: notDone?.length ?? null,
      since: notDone?.[0]?.since ?? null,
      lastRunAt,
      lastErrorState: lastError?.state ?? null,
    },
    fix:
      fix !== null && (fix.kind !== 'advice' || otherwise === undefined)
        ? fix
        : (otherwise?.(policy) ?? lookAt(policy)),
  }
}

function lookAt({schema, table}: PolicyStatus): Fix {
  return {
    kind: 'advice',
    text: `Everything that is known of it: ${command('policies status', [shortName(schema, table)], {json: true})}`,
  }
}

function notKnown({schema, table, kind, problems}: PolicyStatus): NotKnown {
  const name = shortName(schema, table)
  const [problem] = problems.filter(({code}) => code === 'unknown' || code === 'no_privilege')
  const why = problem?.cause ?? 'not known'
  return new NotKnown(`What the ${kind} policy of ${name} should have done is ${why}.`, problem?.fix ?? null)
}

/** A policy that has never done anything is removed without a loss. */
const removal = ({schema, table, kind, jobId}: PolicyStatus): Fix => ({
  kind: 'command',
  text: command('policies remove', [kind, shortName(schema, table)], {job: jobId}),
})

const startDaemon = (): Fix => ({
  kind: 'advice',
  text: `Start the background workers (\`${command('doctor', [], {only: 'workers'})}\`), or run the daemon: ${command('daemon')}`,
})

export const policyChecks: readonly Check[] = [
  fromProblems({
    id: 'never_run',
    severity: 'critical',
    codes: [
      'no_clock',
      'uuid_unsupported',
      'created_before_unsupported',
      'key_unsupported',
      'apache_edition',
      'owner_cannot_login',
      'gate_procedure_missing',
      'wrong_unit',
    ],
    words: {passes: 'Every policy can run.', problem: 'policies of which every run fails'},
    fix: removal,
  }),
  fromProblems({
    id: 'not_running',
    severity: 'critical',
    codes: ['no_runner', 'runner_not_running'],
    words: {passes: 'Every policy has something alive that runs it.', problem: 'policies that nothing runs'},
    fix: startDaemon,
  }),
  fromProblems({
    id: 'job_missing',
    severity: 'critical',
    codes: ['job_missing', 'not_a_hypertable'],
    words: {passes: 'Every gated retention has its job.', problem: 'policies without the job or the table they need'},
  }),
  fromProblems({
    id: 'late',
    severity: 'warning',
    codes: ['not_done'],
    words: {
      passes: 'Every policy has done what was due.',
      problem: 'policies that are late, by the state of the chunks',
    },
    needsWork: true,
  }),
  fromProblems({
    id: 'missing',
    severity: 'warning',
    codes: ['missing'],
    words: {
      passes: 'Every declared policy is in the database.',
      problem: 'declared policies that are not in the database',
    },
  }),
  fromProblems({
    id: 'not_confirmed',
    severity: 'warning',
    codes: ['not_confirmed', 'job_not_confirmed'],
    words: {passes: 'Every retention is as it was confirmed.', problem: 'retentions that drop nothing until confirmed'},
  }),
  fromProblems({
    id: 'paused',
    severity: 'warning',
    codes: ['paused'],
    words: {passes: 'No policy is paused.', problem: 'paused policies'},
  }),
  fromProblems({
    id: 'duplicate',
    severity: 'warning',
    codes: ['policy_twice'],
    words: {passes: 'No table has two policies of a kind.', problem: 'several policies of one kind'},
  }),
  ...conflictChecks,
  ...jobChecks,
]
