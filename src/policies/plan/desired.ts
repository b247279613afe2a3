import type {Offset, PolicyKindName} from '../../catalog/live-policies.js'
import type {Duration} from '../../units/duration.js'
import {contradictionWords} from '../../catalog/table-clock.js'
import type {Declared} from '../declared/declared.js'
import {policyKinds} from '../kinds/index.js'
import {isProblem, toLength, toOffset, type OffsetProblem} from '../offsets.js'
import type {Problem} from './problem.js'
import type {TableState} from '../table-state.js'

/** A declaration on its table's scale, checked against columns and indexes. */
export interface DesiredState {
  state: TableState
  chunkInterval: bigint | null
  /** Without kinds that are not declared or whose rule has a mistake. */
  policies: ReadonlyMap<PolicyKindName, unknown>
}

/** Checks a declaration against its table. Adds every problem to `problems` and leaves out the fields that have one. */
export function desiredStateOf(declared: Declared, state: TableState, problems: Problem[]): DesiredState {
  const place = `${declared.section}.${state.key}`
  const valid = <T extends Offset | bigint>(value: T | OffsetProblem, at: string): T | null => {
    if (!isProblem(value)) return value
    problems.push(value === 'months' ? monthsOfIntegers(at, state) : unexplainedIntegers(at, state))
    return null
  }
  const policies = new Map<PolicyKindName, unknown>()
  for (const kind of policyKinds) {
    const rule = declared[kind.name]
    if (rule === undefined) continue
    const at = `${place}.${kind.name}`
    const offset = (field: string, duration: Duration) => valid(toOffset(duration, state.scale), `${at}.${field}`)
    const desired = rule === 'none' ? rule : kind.desired(rule, {state, place: at, problems, offset})
    if (desired !== null) policies.set(kind.name, desired)
  }
  const {chunkInterval: length} = declared
  const chunkInterval =
    length === undefined || state.chunkInterval === null
      ? null
      : valid(toLength(length, state.scale), `${place}.chunkInterval`)
  return {state, chunkInterval, policies}
}

function monthsOfIntegers(place: string, {key}: TableState): Problem {
  return {
    code: 'DURATION',
    message: `${place}: the time column of ${key} is an integer, and a month has no fixed length in integers.`,
    suggestion: 'Write it in days: 730d.',
  }
}

function unexplainedIntegers(place: string, {key, contradiction, timeUnitAdvice}: TableState): Problem {
  if (contradiction !== undefined)
    return {
      code: 'WRONG_UNIT',
      message: `${place}: timeUnit of ${key} is ${contradiction.declared}, but ${contradictionWords(contradiction)}.`,
      suggestion: timeUnitAdvice,
    }
  return {
    code: 'TIME_UNIT',
    message: `${place}: the time column of ${key} is an integer, and its unit is not known.`,
    suggestion: timeUnitAdvice,
  }
}
