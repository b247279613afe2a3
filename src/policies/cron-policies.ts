import {
  entryInWords,
  entryName,
  readCronEntries,
  timePartitionEntries,
  type CronEntry,
} from '../catalog/cron-entries.js'
import {dueState} from '../catalog/due.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {instantOf} from '../catalog/time.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {can} from '../engines/index.js'
import {durationInWords, type Duration} from '../units/duration.js'
import {withProblems} from './findings.js'
import {bySince} from './status-work.js'
import {policyProblem, type NotDone, type PolicyProblem, type PolicyStatus, type RuleText} from './status-types.js'

/** A retention or compression of Citus' own that an entry of pg_cron runs. It asks no aggregate. */
export interface CronPolicy {
  table: Table
  kind: 'retention' | 'compression'
  /** Null if the entry computes it in another way than `now() - interval '…'`. */
  after: Duration | null
  entry: CronEntry
}

/** The policies that entries of pg_cron run with Citus' own functions; null if cron.job cannot be read here. */
export async function readCronPolicies(db: Database, tables: readonly Table[]): Promise<CronPolicy[] | null> {
  if (!can(db.server.engine, 'distribution')) return []
  const entries = await readCronEntries(db)
  return entries === null ? null : cronPolicies(entries, tables)
}

/** The policies of these tables among the entries of pg_cron. */
export async function cronPolicies(entries: readonly CronEntry[], tables: readonly Table[]): Promise<CronPolicy[]> {
  const calls = await timePartitionEntries(entries)
  return calls.flatMap(({does, key, after, entry}): CronPolicy[] => {
    const table = tables.find((each) => each.kind === 'partitioned' && qualifiedName(each) === key)
    return does === 'creation' || table === undefined ? [] : [{table, kind: does, after, entry}]
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
 * The status of such a policy. What is due is counted from the partitions. When pg_cron runs the entry next is not
 * computed, so that due work is not known to be late.
 * @param alive whether pg_cron's scheduler is running
 */
export function cronStatus(policy: CronPolicy, snapshot: CatalogSnapshot, alive: boolean): PolicyStatus {
  const {table, kind} = policy
  const {due, notDone} = workOf(policy, snapshot)
  const done = notDone?.length === 0
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
    ok: done ? true : null,
    lastStatus: null,
    lastRunAt: null,
    nextRunAt: null,
    lastError: null,
    lastErrorVisible: true,
  }
  return withProblems(status, problemsOf(policy, notDone, alive))
}

function problemsOf({after, entry}: CronPolicy, notDone: PolicyStatus['notDone'], alive: boolean): PolicyProblem[] {
  const problems: PolicyProblem[] = []
  const name = entryInWords(entry)
  if (after === null)
    problems.push(policyProblem('unknown', `not known: ${name} gives an age that is not now() - interval '…'`))
  else if (notDone === null)
    problems.push(policyProblem('unknown', 'not known: no range of its partitions can be read'))
  else if (notDone.length > 0)
    problems.push(
      policyProblem(
        'unknown',
        `not known: ${notDone.length} ${notDone.length === 1 ? 'partition is' : 'partitions are'} due, and ${name} may not have had its turn (${entry.schedule})`,
      ),
    )
  if (!alive) problems.push(policyProblem('runner_not_running', 'the runner pg_cron is not running'))
  return problems
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
