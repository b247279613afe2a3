import {shortName} from '../../db/qualified-name.js'
import {neverRunsCodes} from '../../policies/status/never-runs.js'
import type {PolicyStatus} from '../../policies/status/types.js'
import {command} from '../../units/command.js'
import type {Check} from '../check.js'
import type {Fix} from '../finding.js'
import {conflictChecks} from './policies/conflicts.js'
import {jobChecks} from './policies/jobs.js'
import {fromProblems} from './policies/problems.js'

/** A policy that has never done anything is removed without a loss. */
const removal = ({schema, table, kind, jobId}: PolicyStatus): Fix => ({
  kind: 'command',
  text: command('policies remove', [kind, shortName(schema, table)], {job: jobId}),
})

/** A policy without a job of TimescaleDB is a row of qicore.policies, which no background worker runs. */
const startRunner = ({jobId}: Pick<PolicyStatus, 'jobId'>): Fix => ({
  kind: 'advice',
  text:
    jobId === null
      ? `Run the daemon: ${command('daemon')}, or let pg_cron run the jobs: ${command('cron install')}`
      : `Start the background workers (\`${command('doctor', [], {only: 'workers'})}\`), or run the daemon: ` +
        `${command('daemon')}`,
})

export const policyChecks: readonly Check[] = [
  fromProblems({
    id: 'policies.never_run',
    severity: 'critical',
    codes: [...neverRunsCodes, 'owner_cannot_login', 'owner_reads_only', 'gate_procedure_missing', 'wrong_unit'],
    words: {passes: 'Every policy can run.', problem: 'policies whose every run fails'},
    fix: removal,
  }),
  fromProblems({
    id: 'policies.not_running',
    severity: 'critical',
    codes: ['no_runner', 'runner_not_running'],
    words: {passes: 'Every policy has a running runner.', problem: 'policies that nothing runs'},
    fix: startRunner,
  }),
  fromProblems({
    id: 'policies.job_missing',
    severity: 'critical',
    codes: ['job_missing'],
    words: {passes: 'Every gated retention has its job.', problem: 'gated retentions without their job'},
  }),
  fromProblems({
    id: 'policies.late',
    severity: 'warning',
    codes: ['not_done'],
    words: {
      passes: 'Every policy did its due work.',
      problem: 'late policies, judged by the state of the chunks',
    },
    needsWork: true,
  }),
  fromProblems({
    id: 'policies.missing',
    severity: 'warning',
    codes: ['missing'],
    words: {
      passes: 'Every declared policy is in the database.',
      problem: 'declared policies that are not in the database',
    },
  }),
  fromProblems({
    id: 'policies.not_confirmed',
    severity: 'warning',
    codes: ['not_confirmed', 'job_not_confirmed'],
    words: {passes: 'Every retention is as it was confirmed.', problem: 'retentions that drop nothing until confirmed'},
  }),
  fromProblems({
    id: 'policies.paused',
    severity: 'warning',
    codes: ['paused'],
    words: {passes: 'No policy is paused.', problem: 'paused policies'},
  }),
  fromProblems({
    id: 'policies.duplicate',
    severity: 'warning',
    codes: ['policy_twice'],
    words: {passes: 'No table has two policies of a kind.', problem: 'several policies of one kind'},
  }),
  ...conflictChecks,
  ...jobChecks,
]
