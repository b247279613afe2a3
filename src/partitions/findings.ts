import {entryInWords, type CronEntry} from '../catalog/cron-entries.js'
import {failsFrom, type Gap, type Reach} from './ahead.js'
import {countedRows, type DefaultPartition} from './drain/default-rows.js'
import type {Drained} from './drain/mark.js'
import {shortName} from '../db/qualified-name.js'
import {command} from '../units/command.js'
import type {Leftover} from './detach/leftovers.js'
import type {Period} from './periods.js'
import type {PartitionSet} from './sets.js'

/** A problem of a set, now or soon. */
export interface SetFinding {
  kind:
    | 'now missing'
    | 'ahead missing'
    | 'ends'
    | 'gap'
    | 'pending'
    | 'default rows'
    | 'guard'
    | 'unfit'
    | 'unfinished drop'
    | 'kept after a drop'
    | 'unfinished drain'
    | 'stages due'
  message: string
  /** SQL that ends it; absent where no one statement does. */
  fix?: string
}

/** The state of a set from which its findings are derived. */
interface SetState {
  set: PartitionSet
  /** The entry of pg_cron that creates its partitions; null if there is none. */
  creator: CronEntry | null
  wanted: readonly Period[]
  missing: readonly Period[]
  gaps: readonly Gap[]
  defaultPartition: DefaultPartition | null
  reach: Reach
}

export function setFindings(state: SetState): SetFinding[] {
  const {set, defaultPartition} = state
  const findings: SetFinding[] = []
  const find = (kind: SetFinding['kind'], message: string) => void findings.push({kind, message})
  if (set.rule !== null && set.unfit !== null && set.levels.length === 0) find('unfit', withoutStop(set.unfit))
  findings.push(...coverageFindings(state))
  for (const relation of set.pending)
    find('pending', `${relation} is pending detach: queries do not see its rows, and inserts into its range fail`)
  if (defaultPartition?.rows) find('default rows', defaultRowsMessage(defaultPartition, defaultPartition.rows))
  if (set.guarded)
    find(
      'guard',
      `a run that was killed left a constraint on ${set.defaultPartition}: it refuses rows until the next run ` +
        'removes it',
    )
  return findings
}

/** Times that no partition covers: now, ahead, and between two partitions. */
function coverageFindings({
  set: {rule},
  creator,
  wanted,
  missing,
  gaps,
  defaultPartition,
  reach,
}: SetState): SetFinding[] {
  const findings: SetFinding[] = []
  const by = creator === null ? '' : `; ${entryInWords(creator)} creates partitions (${creator.schedule})`
  const find = (kind: SetFinding['kind'], message: string) => void findings.push({kind, message})
  if (missing.length > 0 && missing[0] === wanted[0])
    find(
      'now missing',
      `there is no partition for now: ${defaultPartition ? 'rows go to the default partition' : 'inserting fails'}`,
    )
  else if (rule === null && reach.coversNow === false)
    find(
      'ends',
      `there is no partition for now: inserting fails${reach.until === null ? '' : ` since ${reach.until}`}${by}`,
    )
  const ahead = missing.filter((period) => period !== wanted[0])
  if (ahead.length > 0)
    find(
      'ahead missing',
      `${ahead.length} of ${wanted.length - 1} ahead ${ahead.length === 1 ? 'is' : 'are'} missing${failsFrom(reach)}`,
    )
  if (rule === null && reach.last) find('ends', `no partition follows the current one${failsFrom(reach)}${by}`)
  if (gaps.length > 0)
    find(
      'gap',
      `${gaps.length === 1 ? 'a gap' : `${gaps.length} gaps`}, the first from ${gaps[0]!.from} to ${gaps[0]!.to}`,
    )
  return findings
}

const withoutStop = (sentence: string) => sentence.replace(/\.$/, '')

function defaultRowsMessage({partition, oldest, newest}: DefaultPartition, rows: number): string {
  const range = oldest === newest ? `, of ${oldest}` : `, ${oldest} to ${newest}`
  return (
    `the default partition ${partition} holds ${countedRows(rows)}${oldest === null ? '' : range}: no partition ` +
    'can be created for their time before they are moved'
  )
}

/** Rows that queries on the set do not see. */
export function drainFinding({relation}: Drained, {schema, table}: PartitionSet): SetFinding {
  return {
    kind: 'unfinished drain',
    message:
      `${relation} has rows that a drain moved and did not attach, and queries do not see them: run ` +
      `${command('partitions drain', [shortName(schema, table)])}`,
  }
}

export function leftoverFinding({relation, kind, detachedToDrop}: Leftover): SetFinding {
  if (detachedToDrop)
    return {
      kind: 'unfinished drop',
      message: `${relation} was detached by a drop that did not finish: the next partitions drop of its age drops it`,
    }
  const object = kind === 'f' ? 'foreign table' : 'table'
  return {
    kind: 'kept after a drop',
    message: `${relation} has the mark of a drop that did not detach it, or was changed since: it is kept`,
    fix: `comment on ${object} ${relation} is null`,
  }
}
