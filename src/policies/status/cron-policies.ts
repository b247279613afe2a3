import {
  entryInWords,
  entryName,
  readCronEntries,
  readCronRuns,
  timePartitionEntries,
  type CronEntry,
  type CronRun,
} from '../../catalog/cron-entries.js'
import {dueState} from '../../catalog/due.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {instantOf, microsOf} from '../../catalog/time.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {can} from '../../engines/index.js'
import {durationInWords, type Duration} from '../../units/duration.js'
import {withProblems} from './findings.js'
import {bySince} from './status-work.js'
import {
  policyProblem,
  runnerNotRunning,
  type NotDone,
  type PolicyProblem,
  type PolicyStatus,
  type RuleText,
} from './types.js'

/** A retention or compression of Citus' own that an entry of pg_cron runs. It asks no aggregate. */
export interface CronPolicy {
  table: Table
  kind: 'retention' | 'compression'
  /** Null if the entry computes it in another way than `now() - interval '…'`. */
  after: Duration | null
  entry: CronEntry
  /** Null if it never ran, or if that is not known. */
  lastRun: CronRun | null
}

/** The policies that entries of pg_cron run with Citus' own functions; null if cron.job cannot be read here. */
export async function readCronPolicies(db: Database, tables: readonly Table[]): Promise<CronPolicy[] | null> {
  if (!can(db.server.engine, 'distribution')) return []
  const entries = await readCronEntries(db)
  if (entries === null) return null
  const policies = await cronPolicies(entries, tables)
  const runs = await readCronRuns(
    db,
    policies.map(({entry}) => entry),
  )
  return policies.map((policy) => ({...policy, lastRun: runs?.get(policy.entry.id) ?? null}))
}

/** The policies of these tables among the entries of pg_cron. */
export async function cronPolicies(entries: readonly CronEntry[], tables: readonly Table[]): Promise<CronPolicy[]> {
  const calls = await timePartitionEntries(entries)
  return calls.flatMap(({does, key, after, entry}): CronPolicy[] => {
    const table = tables.find((each) => each.kind === 'partitioned' && qualifiedName(each) === key)
    return does === 'creation' || table === undefined ? [] : [{table, kind: does, after, entry, lastRun: null}]
  })
}

/** The rule in reports, with the entry of pg_cron and its schedule. */
export function cronRuleText({kind, after, entry}: CronPolicy): RuleText {
  return {
    after: after === null ? null : durationInWords(after),
    every: null,
    ...(kind === 'retention' ? {native: false} : {}),
    cronEntry: entryName(entry),
    cronSchedule: entry.schedule,
  }
}

/**
 * The status of such a policy. What is due is counted from the partitions. It is late if a run of the entry began after
 * it was due and has ended; without such a run it is not known, because the next run is not computed.
 * @param alive whether pg_cron's scheduler is running
 */
export function cronStatus(policy: CronPolicy, snapshot: CatalogSnapshot, alive: boolean): PolicyStatus {
  const {table, kind, lastRun} = policy
  const {due, notDone} = workOf(policy, snapshot)
  const status = {
    schema: table.schema,
    table: table.name,
    kind,
    managed: false,
    runner: 'pg_cron' as const,
    runnerAlive: alive,
    gated: false,
    declared: null,
    live: cronRuleText(policy),
    jobId: null,
    paused: null,
    due,
    notDone,
    ok: verdict(policy, notDone),
    lastStatus: lastRun?.status ?? null,
    lastRunAt: lastRun?.startedAt ?? null,
    nextRunAt: null,
    lastError: lastErrorOf(lastRun),
    lastErrorVisible: true,
  }
  return withProblems(status, problemsOf(policy, notDone, alive))
}

function lastErrorOf(run: CronRun | null): PolicyStatus['lastError'] {
  if (run?.status !== 'failed') return null
  return {at: run.endedAt ?? run.startedAt, state: null, message: run.message ?? 'pg_cron recorded no message'}
}

function verdict(policy: CronPolicy, notDone: PolicyStatus['notDone']): boolean | null {
  if (notDone === null) return null
  if (notDone.length === 0) return true
  return leftBehind(policy, notDone).length > 0 ? false : null
}

/** What was due when the last run began, and is still not done although that run has ended. */
function leftBehind({lastRun}: CronPolicy, notDone: readonly NotDone[]): NotDone[] {
  const began = lastRun?.startedAt ?? null
  if (began === null || !hasEnded(lastRun)) return []
  return notDone.filter(({since}) => since !== null && microsOf(since) <= microsOf(began))
}

function hasEnded(run: CronRun | null): boolean {
  return run?.status === 'succeeded' || run?.status === 'failed'
}

function problemsOf(policy: CronPolicy, notDone: PolicyStatus['notDone'], alive: boolean): PolicyProblem[] {
  const {after, entry, lastRun} = policy
  const problems: PolicyProblem[] = []
  const name = entryInWords(entry)
  const error = lastErrorOf(lastRun)
  if (after === null)
    problems.push(policyProblem('unknown', `not known: ${name} gives an age that is not now() - interval '…'`))
  else if (notDone === null)
    problems.push(policyProblem('unknown', 'not known: no range of its partitions can be read'))
  else if (notDone.length > 0) problems.push(undoneProblem(policy, notDone))
  if (error !== null) problems.push(policyProblem('last_error', `the last run of ${name} failed: ${error.message}`))
  if (!alive) problems.push(runnerNotRunning('pg_cron'))
  return problems
}

function undoneProblem(policy: CronPolicy, notDone: readonly NotDone[]): PolicyProblem {
  const {entry, lastRun} = policy
  const name = entryInWords(entry)
  const left = leftBehind(policy, notDone)
  if (left.length > 0)
    return policyProblem(
      'not_done',
      `${areDue(left.length)} since before the last run of ${name} (${lastRun!.startedAt}), which did not process ` +
        `${left.length === 1 ? 'it' : 'them'}`,
    )
  const last = lastRun?.startedAt ?? null
  const ran = last === null ? 'no run of it is recorded' : `it last ran at ${last}`
  return policyProblem(
    'unknown',
    `not known: ${areDue(notDone.length)}, and ${name} may not have run since then (${entry.schedule}); ${ran}`,
  )
}

function areDue(count: number): string {
  return `${count} ${count === 1 ? 'partition is' : 'partitions are'} due`
}

function workOf({table, kind, after}: CronPolicy, snapshot: CatalogSnapshot): Pick<PolicyStatus, 'due' | 'notDone'> {
  const policy: LivePolicy = {
    table,
    kind,
    job: null,
    declared: null,
    after,
    createdBefore: null,
    startOffset: null,
    endOffset: null,
    recompress: false,
    schedule: null,
    config: '{}',
  }
  const clock = snapshot.clocks.get(table) ?? {now: null, unit: null}
  const {due, notDone} = dueState(policy, clock, snapshot.at, 0)
  if (due === null) return {due: null, notDone: null}
  const open = notDone.map(
    ({chunk, since, why}): NotDone => ({
      chunk: formatQualifiedName(chunk.schema, chunk.name),
      range: null,
      since: since === null ? null : instantOf(since),
      code: kind === 'compression' ? 'never_compressed' : 'not_dropped',
      why,
    }),
  )
  return {due, notDone: open.sort(bySince)}
}
