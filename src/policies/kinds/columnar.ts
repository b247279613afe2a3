import type {Offset} from '../../catalog/live-policies.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {sql} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import type {Step} from '../../run/step.js'
import {durationInWords, type Duration} from '../../units/duration.js'
import {policyStep} from '../plan/policy-step.js'
import type {CompressionSettings, LiveRule, TableState} from '../table-state.js'
import type {ChangeBase, DiffContext, Place} from './kind.js'
import {ageDiffers, bareRule, scheduleDiffers, withRule} from './rules.js'
import {settingsAfter, settingsDiffer} from './settings-differ.js'

/** A row of qicore.policies: the job compress converts partitions that are older than an age to columnar. */
export interface Columnar extends ChangeBase {
  do: 'columnar'
  after: Offset
  /** Null if the row records no schedule. */
  every: Duration | null
  settings: CompressionSettings
  allowUpdates: boolean
}

/** Whether compression of such a table means that its old partitions become columnar. */
export function isColumnar({kind, engine}: Pick<Place, 'kind' | 'engine'>): boolean {
  return kind === 'partitioned' && can(engine, 'columnar')
}

interface DesiredColumnar extends CompressionSettings {
  after: Offset
  every?: Duration | undefined
  allowUpdates?: boolean | undefined
}

/** The change that gives a table this rule; empty if it has it. */
export function columnarChange(
  {after, every, allowUpdates, ...wanted}: DesiredColumnar,
  {state, rules}: DiffContext,
): Columnar[] {
  const live = rules.find(({by}) => by === 'qicore') ?? null
  const allowed = live?.allowUpdates ?? false
  const allow = allowUpdates ?? allowed
  const why = [
    ...(live === null ? [`after ${offsetInWords(after, state.scale)}`] : ageDiffers(live, after, state.scale)),
    ...settingsDiffer(wanted, live && state.compression),
    ...(every === undefined ? [] : scheduleDiffers(live, every)),
    ...(allow === allowed ? [] : [`allowUpdates ${allow}${live === null ? '' : `, was ${allowed}`}`]),
  ]
  if (why.length === 0) return []
  const settings = settingsAfter(wanted, state.compression)
  const schedule = every ?? live?.schedule ?? null
  return [{do: 'columnar', key: state.key, after, every: schedule, settings, allowUpdates: allow, why}]
}

/** The table as it is after the change. */
export function columnarState(state: TableState, {after, every, settings, allowUpdates}: Columnar): TableState {
  const rule: LiveRule = {...bareRule, kind: 'compression', by: 'qicore', after, schedule: every, allowUpdates}
  return {...withRule(state, ({kind}) => kind === 'compression', rule), compression: settings}
}

export function columnarStep({key, after, every, settings, allowUpdates}: Columnar): Step {
  const {segmentBy, orderBy} = settings
  const config = {
    // Partition sets are on time, so the age is a duration.
    after: typeof after === 'bigint' ? String(after) : durationInWords(after),
    ...(every !== null && {every: durationInWords(every)}),
    ...(segmentBy !== null && {segmentBy}),
    ...(orderBy !== null && {orderBy}),
    ...(allowUpdates && {allowUpdates}),
  }
  const row = sql`insert into qicore.policies (object, kind, config, set_by) values (${key}, 'compression', ${JSON.stringify(config)}::jsonb, session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
  return policyStep(`compression policy of ${key}`, key, [row])
}
