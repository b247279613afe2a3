import {shortName} from '../../../db/qualified-name.js'
import type {PolicyProblem, PolicyProblemCode, PolicyStatus} from '../../../policies/status/types.js'
import {command} from '../../../units/command.js'
import type {Check} from '../../check.js'
import {NotKnown, type Finding, type Fix, type Severity} from '../../finding.js'

interface FromProblems {
  id: Check['id']
  severity: Severity
  /** Of the problems of `policies status`, which decides them. */
  codes: readonly PolicyProblemCode[]
  words: Pick<Check, 'passes' | 'problem'>
  /** Where the problem has no complete fix of its own. */
  fix?(policy: PolicyStatus): Fix
  /** Whether a policy of which nothing can be known makes the check UNKNOWN. */
  needsWork?: boolean
}

/** A check that lists the policies with one of these problems. */
export function fromProblems({id, severity, codes, words, fix, needsWork}: FromProblems): Check {
  return {
    id,
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
  const isNamed = jobId === null || cause.startsWith(`job ${jobId} `)
  const which = `The ${kind} policy${isNamed ? '' : ` (job ${jobId})`}`
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
