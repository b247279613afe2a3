import type {Offset} from '../../catalog/live-policies.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {sql} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import type {Step} from '../../run/step.js'
import {durationInWords, type Duration} from '../../units/duration.js'
import {policyStep} from '../policy-step.js'
import type {LiveRule} from '../table-state.js'
import type {ChangeBase, DiffContext, Place} from './kind.js'
import {ageDiffers, bareRule, scheduleDiffers} from './rules.js'

/** A row of qicore.policies: the job compress converts partitions that are older than an age to columnar. */
export interface Columnar extends ChangeBase {
  do: 'columnar'
  after: Offset
  every?: Duration | undefined
}

/** Whether compression of such a table means that its old partitions become columnar. */
export function isColumnar({kind, engine}: Pick<Place, 'kind' | 'engine'>): boolean {
  return kind === 'partitioned' && can(engine, 'columnar')
}

/** The change that gives a table this rule; empty if it has it. */
export function columnarChange(
  {after, every}: Omit<Columnar, keyof ChangeBase>,
  {state, rules}: DiffContext,
): Columnar[] {
  const live = rules.find(({by}) => by === 'qicore') ?? null
  const why = [
    ...(live === null ? [`after ${offsetInWords(after, state.scale)}`] : ageDiffers(live, after, state.scale)),
    ...(every === undefined ? [] : scheduleDiffers(live, every)),
  ]
  return why.length === 0 ? [] : [{do: 'columnar', key: state.key, after, every, why}]
}

/** The rule as it is after the change. */
export function columnarRule({after, every}: Columnar): LiveRule {
  return {...bareRule, kind: 'compression', by: 'qicore', job: null, after, schedule: every ?? null}
}

export function columnarStep({key, after, every}: Columnar): Step {
  const config = {
    // Partition sets are on time, so the age is a duration.
    after: typeof after === 'bigint' ? String(after) : durationInWords(after),
    ...(every !== undefined && {every: durationInWords(every)}),
  }
  const row = sql`insert into qicore.policies (object, kind, config, set_by) values (${key}, 'compression', ${JSON.stringify(config)}::jsonb, session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
  return policyStep(`compression policy of ${key}`, key, [row])
}
