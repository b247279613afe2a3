import {instantOf} from '../../catalog/time.js'
import {isZoned} from '../../catalog/time-key.js'
import {highest} from '../../catalog/span.js'
import {shortName} from '../../db/qualified-name.js'
import {command} from '../../units/command.js'
import {plural} from '../../units/plural.js'
import type {Child} from '../children.js'
import {nowOf, stateOf} from './detached.js'
import type {SetFinding} from '../findings.js'
import {stagedTablesOf, type Remembered} from './remembered.js'
import type {PartitionSet} from '../sets.js'
import {dueAt, tasksOf, type Stages, type StageTask} from './stages.js'

/** A job carries the stages out once a day: what is due for less is not late. */
const grace = 86_400_000_000n

interface Late {
  relation: string
  task: StageTask
  at: bigint
}

/**
 * The stages of a set that have been due for more than a day and are not done; null if there are none. The reasons are
 * those of `partitions retain --dry-run`, which reads more than a list may.
 * @param now microseconds since 1970
 */
export function stagesFinding(
  set: PartitionSet,
  children: readonly Child[],
  remembered: readonly Remembered[],
  now: bigint,
): SetFinding | null {
  const stages = set.rule?.stages
  if (!stages || set.key === null) return null
  const before = nowOf({zoned: isZoned(set.key)}, set.rule, now) - grace
  const late = [...lateDetaches(stages, children), ...lateStages(set, stages, remembered, before)]
    .filter(({at}) => at <= before)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
  if (late.length === 0) return null
  const first = late[0]!
  return {
    kind: 'stages due',
    message:
      `${plural(late.length, 'stage')} of its retention ${late.length === 1 ? 'is' : 'are'} due and not done, the ` +
      `first since ${instantOf(first.at) ?? 'long ago'}: ${first.task} of ${first.relation}. The reasons: ` +
      `${command('partitions retain', [shortName(set.schema, set.table)], {'dry-run': true})}`,
  }
}

/** The last partition of a set is never detached. */
function lateDetaches({detach}: Stages, children: readonly Child[]): Late[] {
  return children
    .filter(({pending, isDefault}) => !pending && !isDefault)
    .slice(0, -1)
    .flatMap(({relation, range}) =>
      range === null || range.end === highest
        ? []
        : [{relation, task: 'detach' as const, at: dueAt(range.end, detach)}],
    )
}

function lateStages(set: PartitionSet, stages: Stages, remembered: readonly Remembered[], now: bigint): Late[] {
  return stagedTablesOf(set, remembered).flatMap((each) =>
    tasksOf(stages, stateOf(each), now).map(({task, at}) => ({relation: each.table.relation, task, at})),
  )
}
