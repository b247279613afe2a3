import {can} from '../../../engines/index.js'
import {shortName} from '../../../db/qualified-name.js'
import {entryInWords} from '../../../catalog/cron-entries.js'
import {offsetInWords} from '../../../catalog/offset-words.js'
import {qualifiedName, type Table} from '../../../catalog/table.js'
import {readCronPolicies, type CronPolicy} from '../../../policies/status/cron-policies.js'
import {neverRunsRule, type FindingRule} from '../../../policies/checks/finding.js'
import {neverRunsCodes} from '../../../policies/status/never-runs.js'
import {configurable} from '../../../policies/kinds/rules.js'
import {rulesOf, type LiveRule} from '../../../policies/table-state.js'
import {durationInWords} from '../../../units/duration.js'
import {command} from '../../../units/command.js'
import type {Check} from '../../check.js'
import type {CheckContext} from '../../context.js'
import {NotKnown, type Finding, type Fix} from '../../finding.js'
import {asSentence} from '../../../units/sentence.js'

/** Rules of the plan's checks by which rows or buckets are lost. */
const losing: ReadonlySet<FindingRule> = new Set([
  'refresh-erases',
  'retention-outruns',
  'never-refreshed',
  'uncovered',
])
/** What other checks of doctor say: of a policy that never runs, of two of a kind, and of the length of chunks. */
const saidElsewhere: ReadonlySet<FindingRule> = new Set([
  ...neverRunsCodes.map(neverRunsRule),
  'ungated',
  'retention-twice',
  'chunk-memory',
  'coarse-chunks',
])

async function conflicts({policyConflicts, snapshot}: CheckContext): Promise<Finding[]> {
  const [found, {all}] = [await policyConflicts(), await snapshot()]
  return found
    .filter((finding) => finding.level === 'unsafe' && !saidElsewhere.has(finding.rule))
    .map(({id, rule, object, message, effectiveFrom, suggestion, policies}): Finding => {
      const table = all.find((each) => qualifiedName(each) === object)
      return {
        severity: losing.has(rule) ? 'critical' : 'warning',
        object: table === undefined ? null : {schema: table.schema, table: table.name},
        message: asSentence(message),
        data: {id, effectiveFrom, policies, suggestion},
        fix: {
          kind: 'advice',
          text: suggestion === null ? 'Change one of the policies.' : `Declare this, then apply it: ${suggestion}`,
        },
      }
    })
}

/** Retentions that drop what an aggregate has never seen: TimescaleDB's own, and entries of pg_cron. */
async function ungated(context: CheckContext): Promise<Finding[]> {
  return [...(await ungatedJobs(context)), ...(await ungatedEntries(context))]
}

/** Citus' own procedure drops all partitions of an age in one transaction, also the newest one. */
async function ungatedEntries({db, server, snapshot}: CheckContext): Promise<Finding[]> {
  const {tables, all} = await snapshot()
  const sources = tables.filter((table) => all.some(({aggregate}) => aggregate?.source === table))
  if (sources.length === 0) return []
  const policies = await readCronPolicies(db, sources)
  const found = (policies ?? []).filter(({kind}) => kind === 'retention')
  if (policies === null) throw new NotKnown('The entries of pg_cron cannot be read from this database.')
  if (found.length === 0 && can(server.engine, 'distribution') && server.pgCron !== null && !server.superuser)
    throw new NotKnown(`The role ${server.role} may not see the entries of pg_cron of other roles.`)
  return found.map((policy) => ungatedEntry(policy, all))
}

/** @param all the tables and aggregates of the database */
export function ungatedEntry({table, after, entry}: CronPolicy, all: readonly Table[]): Finding {
  const over = all.filter(({aggregate}) => aggregate?.source === table)
  const age = after === null ? null : durationInWords(after)
  const given = after === null ? null : configurable(after)
  const gated =
    given === null
      ? ''
      : ` A gated one: ${command('policies set retention', [shortName(table.schema, table.name)], {after: given})}`
  return {
    severity: 'warning',
    object: {schema: table.schema, table: table.name},
    message:
      `A retention of ${age ?? 'an age that is not known'} is run by ${entryInWords(entry)}: ` +
      'drop_old_time_partitions drops partitions in one transaction and does not ask whether ' +
      `${over.map(({schema, name}) => shortName(schema, name)).join(', ')} has computed their rows.${gated}`,
    data: {cronEntry: entry.id, after: age, aggregates: over.map(qualifiedName)},
    fix: {kind: 'sql', text: `select cron.unschedule(${entry.id})`},
  }
}

async function ungatedJobs({policyState}: CheckContext): Promise<Finding[]> {
  const {snapshot, states} = await policyState()
  return snapshot.tables.flatMap((table) => {
    const over = snapshot.all.filter(({aggregate}) => aggregate?.source === table)
    const state = states.get(table)
    if (over.length === 0 || state === undefined) return []
    return rulesOf(state, 'retention')
      .filter(({by}) => by === 'timescaledb')
      .map((rule): Finding => {
        const age = offsetInWords(rule.after ?? rule.createdBefore, rule.after === null ? 'time' : state.scale)
        return {
          severity: 'warning',
          object: {schema: table.schema, table: table.name},
          message:
            `TimescaleDB's own retention of ${age} (job ${rule.job?.id}) drops chunks in one transaction and does ` +
            `not ask whether ${over.map(({schema, name}) => shortName(schema, name)).join(', ')} has computed ` +
            'their rows.',
          data: {jobId: rule.job?.id ?? null, after: age, aggregates: over.map(qualifiedName)},
          fix: gatedInstead(table, rule),
        }
      })
  })
}

/** An age of integers or of months and hours cannot be given, and one by the creation of chunks has no gated form. */
function gatedInstead({schema, name}: Table, {after}: LiveRule): Fix {
  const age = after === null || typeof after === 'bigint' ? null : configurable(after)
  if (age === null)
    return {
      kind: 'advice',
      text:
        'Declare a retention of the table by the age of its rows (docs/policies.md); applied, it replaces this ' +
        'one.',
    }
  return {kind: 'command', text: command('policies set retention', [shortName(schema, name)], {after: age})}
}

export const conflictChecks: readonly Check[] = [
  {
    id: 'policies.conflict',
    about: 'tables',
    passes: 'No policies of a table and its aggregates conflict.',
    problem: 'policies that conflict',
    run: conflicts,
  },
  {
    id: 'policies.ungated_retention',
    about: 'tables',
    passes: "Every retention of an aggregate's source checks the aggregate before it drops.",
    problem: 'retentions that drop rows without checking aggregates',
    applies: ({engine}) => can(engine, 'hypertables') || can(engine, 'distribution'),
    run: ungated,
  },
]
