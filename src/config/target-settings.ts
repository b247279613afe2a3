import type {Config} from './load.js'
import {mergeEntries, settingsOver} from './layers.js'

/** The configuration that applies to one target, with the target's labels. */
export interface TargetConfig extends Config {
  /** Its name, or `<target>/<database>`; null if the database has no name in the configuration. */
  target: string | null
  labels: Readonly<Record<string, string>>
}

/** The settings that a target or a group may have, over those of the file. */
type OwnSettings = {[Name in 'tables' | 'aggregates' | 'jobs' | 'limits']?: Config[Name] | undefined} & {
  labels?: Record<string, string> | undefined
}

/**
 * The configuration in effect for one target: the settings of the file, then of the groups that have the target, in
 * the order of the file, then of the target. Fields of tables, aggregates and limits replace one by one, jobs as a
 * whole.
 * @param target name of a target, or `<target>/<database>`; null if the database has no name in the configuration
 */
export function configFor(config: Config, target: string | null): TargetConfig
export function configFor(config: Config | null, target: string | null): TargetConfig | null
export function configFor(config: Config | null, target: string | null): TargetConfig | null {
  if (config === null) return null
  const layers = target === null ? [] : settingsOver<OwnSettings>(config, target)
  const sections = <Name extends keyof OwnSettings>(name: Name) =>
    layers.flatMap((layer) => (layer[name] === undefined ? [] : [layer[name] as NonNullable<OwnSettings[Name]>]))
  return {
    ...config,
    target,
    labels: Object.assign({}, ...sections('labels')) as Record<string, string>,
    limits: Object.assign({}, config.limits, ...sections('limits')) as Config['limits'],
    jobs: Object.assign({}, config.jobs, ...sections('jobs')) as Config['jobs'],
    tables: mergeEntries([config.tables, ...sections('tables')]),
    aggregates: mergeEntries([config.aggregates, ...sections('aggregates')]),
  }
}
