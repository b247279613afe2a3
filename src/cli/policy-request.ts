import {reportTarget} from '../config/target.js'
import type {Config} from '../config/load.js'
import type {Limits} from '../run/limits.js'
import type {Database} from '../db/database.js'

/** Input that every planner of policies needs in addition to the declared policies. */
export function policyContext(db: Database, limits: Limits): {maxDropPerRun: number; target: string} {
  return {maxDropPerRun: limits.maxDropPerRun, target: reportTarget(db)}
}

/** The sections of a configuration about policies; null without a configuration. */
export function sectionsOf(config: Config | null): Pick<Config, 'tables' | 'aggregates'> | null {
  return config === null ? null : {tables: config.tables, aggregates: config.aggregates}
}
