import type {PartitionRule} from '../partitions/periods.js'
import {assumed} from '../partitions/undeclared.js'
import {qicore} from '../schema/built-in.js'
import {parseDuration} from '../units/duration.js'
import type {Config} from './load.js'

/**
 * The declared partition sets: those of the definitions if QiCore's migrations are recorded, overridden by the
 * configuration. `partitions: none` excludes a set.
 */
export function partitionRules(config: Config | null, withDefinitions: boolean): PartitionRule[] {
  const rules = new Map<string, PartitionRule>()
  const ahead = aheadOfJob(config)
  if (withDefinitions)
    for (const {schema, name, hypertable, retention} of qicore.tables) {
      if (!hypertable) continue
      const every = hypertable.partitions?.period ?? assumed.every
      const after = retention ? parseDuration(retention.after) : null
      rules.set(`${schema}.${name}`, {
        ...assumed,
        relation: `${schema}.${name}`,
        every,
        ahead: ahead ?? hypertable.partitions?.ahead ?? assumed.ahead,
        retention: after,
      })
    }
  for (const [relation, {partitions, retention, timeUnit}] of Object.entries(config?.tables ?? {})) {
    const base = rules.get(relation)
    if (partitions === 'none' || (partitions === undefined && base === undefined)) {
      rules.delete(relation)
      continue
    }
    const given = Object.fromEntries(Object.entries(partitions ?? {}).filter(([, value]) => value !== undefined))
    rules.set(relation, {
      ...assumed,
      ...(ahead === undefined ? {} : {ahead}),
      ...base,
      ...given,
      relation,
      timeUnit: timeUnit ?? null,
      ...(retention === undefined ? {} : ageOf(retention)),
    })
  }
  return [...rules.values()]
}

type Retention = NonNullable<Config['tables'][string]['retention']>

function ageOf(retention: Retention): Pick<PartitionRule, 'retention' | 'stages'> {
  return retention === 'none' ? {retention: null, stages: null} : {retention: retention.after, stages: retention.stages}
}

/** `jobs.partitions.ahead`, for all sets without a setting of their own. */
function aheadOfJob(config: Config | null): number | undefined {
  const job = config?.jobs.partitions
  return typeof job === 'object' ? job.ahead : undefined
}
