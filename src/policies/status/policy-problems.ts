import {contradictionAdvice} from '../../catalog/time-unit-advice.js'
import {createGateAgain, missingGate} from '../../db/condition.js'
import type {Database} from '../../db/database.js'
import type {Server} from '../../db/server.js'
import {ident, sql} from '../../db/sql.js'
import {contradictionWords} from '../../catalog/table-clock.js'
import {goesByAge, type LivePolicy} from '../../catalog/live-policies.js'
import {qualifiedName} from '../../catalog/table.js'
import {kindNamed} from '../kinds/index.js'
import {whyNeverRuns} from './never-runs.js'
import type {PolicyState} from '../read-state.js'
import {rulesOf, type LiveRule} from '../table-state.js'
import {fixBy, policyProblem, type PolicyProblem} from './types.js'
import {command} from '../../units/command.js'

/** Problems of a policy itself, independent of its runs. */
export interface OwnProblems {
  problems: PolicyProblem[]
  /** The policy cannot work. */
  broken: boolean
}

export function policyProblems(
  {server}: Database,
  {table, kind, job}: LivePolicy,
  rule: LiveRule | null,
  {snapshot, states, gatedJobs}: PolicyState,
): OwnProblems {
  const clock = snapshot.clocks.get(table)
  const problems: PolicyProblem[] = []
  const gated = kind === 'retention' && job === null
  if (gated && missingGate(server) !== null)
    problems.push(
      policyProblem(
        'gate_procedure_missing',
        'the procedure that its job calls does not exist, so nothing is dropped',
        fixBy(createGateAgain(), 'command', 'To create it again: '),
      ),
    )
  const never = rule === null ? null : whyNeverRuns(rule, table, server, clock?.unit ?? null)
  if (never !== null)
    problems.push(
      policyProblem(never.code, `every run fails: ${never.why}`, fixBy(never.fix, never.fixKind, 'Instead: ')),
    )
  const runs = job ?? gatedJobs.find(({id}) => id === rule?.job?.id) ?? null
  if (runs !== null && !runs.ownerCanLogin)
    problems.push(
      policyProblem(
        'owner_cannot_login',
        `every run fails: job ${runs.id} runs as ${runs.owner}, a role without LOGIN`,
        fixBy(`alter role ${runs.owner} login`, 'sql', 'As a role with CREATEROLE: '),
      ),
    )
  if (runs?.ownerReadsOnly)
    problems.push(
      policyProblem(
        'owner_reads_only',
        `every run fails: job ${runs.id} runs as ${runs.owner}, whose transactions are read only here ` +
          '(default_transaction_read_only)',
        fixBy(writable(runs.owner, server), 'sql', 'To let the jobs of the role write: '),
      ),
    )
  const contradiction = goesByAge(kind) ? clock?.contradiction : undefined
  if (contradiction !== undefined)
    problems.push(
      policyProblem(
        'wrong_unit',
        `timeUnit is declared as ${contradiction.declared}, but ${contradictionWords(contradiction)}`,
        fixBy(contradictionAdvice(table, contradiction), 'advice', ''),
      ),
    )
  const broken = problems.length > 0
  const twice = twiceProblem(rule, rulesOf(states.get(table)!, kind), qualifiedName(table))
  return {problems: twice === null ? problems : [...problems, twice], broken}
}

/** The setting of a role in one database takes precedence over all others. */
export function writable(owner: string, {database}: Pick<Server, 'database'>): string {
  return `alter role ${owner} in database ${sql`${ident(database)}`.text} set default_transaction_read_only = off`
}

/** The problem that a table has several policies of a kind, which all run. */
function twiceProblem(rule: LiveRule | null, rules: readonly LiveRule[], key: string): PolicyProblem | null {
  if (rule === null || rules.length < 2) return null
  const {eachOfSeveral} = kindNamed(rule.kind)
  if (eachOfSeveral === null) return null
  const jobs = rules.flatMap(({job}) => (job === null ? [] : [job.id]))
  const last = jobs.at(-1)
  return policyProblem(
    'policy_twice',
    `${key} has ${rules.length} ${rule.kind} policies (jobs ${jobs.join(', ')}), and each of them ${eachOfSeveral}`,
    last === undefined
      ? null
      : fixBy(command('policies remove', [rule.kind, key], {job: last}), 'command', 'To remove one: '),
  )
}
