import {shortName} from '../../db/qualified-name.js'
import {timescaledbFunction} from '../../db/server.js'
import {inline, sql} from '../../db/sql.js'
import {command} from '../../units/command.js'
import {qualifiedName, type Chunk, type Table} from '../../catalog/table.js'
import {instantOf} from '../../catalog/time.js'
import {configurable} from '../kinds/rules.js'
import type {FindingContext} from '../status/finding-context.js'
import {fixBy, type JudgedPolicy, type PolicyAdvice} from '../status/types.js'

/**
 * Advice about chunks that a retention has not dropped. It never prints a command that deletes rows, only one that
 * shows what would be dropped.
 */
export function retentionAdvice(status: JudgedPolicy, context: FindingContext): PolicyAdvice[] {
  const codes = new Set((status.notDone ?? []).map(({code}) => code))
  const {table, rule, overdue} = context
  const loadedLate = overdue.length > 0 && overdue.every((chunk) => chunk.loadedLate)
  const name = shortName(status.schema, status.table)
  const look = lookAt(name, context)
  if (codes.has('feed_stopped')) return [advise('Find out why no new rows arrive')]
  if (codes.has('foreign_key')) return [advise('Drop the foreign key, or remove the retention')]
  if (codes.has('gate_unreadable'))
    return [advise('Repeat it as a role that may read the table, its aggregates and the schema qicore')]
  if (codes.has('held_back')) return refreshesOver(table, context)
  if (rule?.gate?.stages)
    return [advise(`To see what would be done: ${command('partitions retain', [name], {'dry-run': true})}`)]
  if (rule?.createdBefore != null && rule.after === null)
    return [advise('Its age counts from the creation of a chunk, not from the time of its rows')]
  const partitions = table.kind === 'partitioned'
  const atMost = `Each run drops at most ${rule?.gate?.maxDropPerRun ?? 8} (limits.maxDropPerRun)`
  if (loadedLate && !context.broken) {
    const will = status.gated
      ? `${atMost} unless the retention is changed`
      : 'The next run drops them unless the retention is changed'
    return [
      advise(
        `Their rows were older than that when they were loaded. ${will}. ${partitions ? '' : look.fix.text}`.trimEnd(),
      ),
    ]
  }
  if (status.gated && status.runnerAlive === true) return [advise(`${atMost}; the next run continues`)]
  return [partitions ? seeing(command('jobs run', ['retain'], {'dry-run': true})) : look]
}

/** With the age of this policy if the table has several: without one, `chunks drop` refuses to choose. */
function lookAt(name: string, {rule, problems}: FindingContext): PolicyAdvice {
  const isTwice = problems.some(({code}) => code === 'policy_twice')
  if (!isTwice) return seeing(command('chunks drop', [name], {'dry-run': true}))
  const after = rule?.after ?? null
  const age = after === null || typeof after === 'bigint' ? null : configurable(after)
  if (age === null) return advise('To see what would be dropped, remove all but one of its retention policies first')
  return seeing(command('chunks drop', [name], {'older-than': age, 'dry-run': true}))
}

const advise = (text: string) => fixBy(text, 'advice', '')
/** Advice, not a fix: what to drop is the operator's decision. */
const seeing = (text: string) => advise(`To see what would be dropped: ${text}`)

/**
 * A refresh of the whole range that is held back, for every aggregate over the table, direct ones first. A refresh
 * skips what is computed already.
 */
function refreshesOver(table: Table, {tables, server, overdue}: FindingContext): PolicyAdvice[] {
  const held = rangeOf(
    overdue.map(({chunk}) => chunk),
    table,
  )
  const views = aggregatesOver(table, tables)
  if (held === null || views.length === 0) return [advise('--json has the reasons')]
  return views.map((view, index) => {
    const lead = index === 0 ? 'Fix: ' : 'An aggregate over it may need the same: '
    if (table.time !== 'integer')
      return fixBy(command('aggregates refresh', [qualifiedName(view)], {...held}), 'command', lead)
    return fixBy(
      inline(
        sql`call ${timescaledbFunction(server, 'refresh_continuous_aggregate')}(${qualifiedName(view)}, ${held.from}::bigint, ${held.to}::bigint)`,
      ),
      'sql',
      lead,
    )
  })
}

/** The range from the first to the last chunk; null if a side is open or has no instant. */
function rangeOf(chunks: readonly Chunk[], {time}: Table): {from: string; to: string} | null {
  const point = (value: bigint) => (time === 'integer' ? String(value) : instantOf(value))
  const least = chunks.reduce<bigint | null>(
    (low, {start}) => (start !== null && (low === null || start < low) ? start : low),
    null,
  )
  const most = chunks.reduce<bigint | null>(
    (high, {end}) => (end !== null && (high === null || end > high) ? end : high),
    null,
  )
  if (least === null || most === null || chunks.some(({start}) => start === null)) return null
  const [from, to] = [point(least), point(most)]
  return from === null || to === null ? null : {from, to}
}

/** The aggregates over a table, direct ones first. */
function aggregatesOver(table: Table, tables: readonly Table[]): Table[] {
  const direct = tables.filter(({aggregate}) => aggregate !== null && aggregate.source === table)
  return [...direct, ...direct.flatMap((view) => aggregatesOver(view, tables))]
}
