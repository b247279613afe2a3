import {limitsOf, type GivenLimits} from '../config/limits.js'
import {findConfigFile, loadConfig, type Config} from '../config/load.js'
import {selectTargets} from '../config/select-targets.js'
import {configFor} from '../config/target-settings.js'
import {resolveTarget, targetLabel} from '../config/target.js'
import type {Target} from '../db/database.js'
import type {Environment} from '../db/libpq.js'
import {usageError} from '../errors.js'
import {runnableJobs} from '../jobs/run/check.js'
import type {DaemonTarget} from './target-runner.js'

/** The flags and the environment from which a daemon knows what to maintain. */
export interface TargetsRequest {
  /** Selectors of several targets; `all`: every target; null: the one of the other flags. */
  targets: readonly string[] | 'all' | null
  url?: string | undefined
  target?: string | undefined
  role?: string | undefined
  /** The configuration file; undefined: searched from the directory upwards. */
  config?: string | undefined
  limits: GivenLimits
  env: Environment
  directory: string
}

/**
 * Reads the configuration and selects what a daemon maintains.
 * @throws OpsError for a mistake in the configuration, its jobs or the selection
 */
export async function readTargets(request: TargetsRequest): Promise<DaemonTarget[]> {
  const file = request.config ?? findConfigFile(request.directory)
  const config = file === null ? null : await loadConfig(file)
  const {targets, role, env} = request
  if (targets === null) {
    const target = resolveTarget({...request, changes: true}, env, config, request.directory)
    requireNamed(target)
    const name = targetLabel(target) ?? 'default'
    return [await usable(name, target, configFor(config, target.name), request)]
  }
  const selected = await selectTargets(config, {targets, role}, env)
  return Promise.all(
    selected.map((each) => ('error' in each ? each : usable(each.name, each.target, each.config, request))),
  )
}

async function usable(
  name: string,
  target: Target,
  config: Config | null,
  {limits, env}: TargetsRequest,
): Promise<DaemonTarget> {
  return {name, target, config, jobs: await runnableJobs(config, Date.now()), limits: limitsOf(config, limits, env)}
}

/** @throws OpsError SAY_TARGET */
function requireNamed(target: Target): void {
  if (target.source !== 'config' || !target.url.startsWith('embedded:')) return
  throw usageError('SAY_TARGET', 'The daemon does not use an embedded database unless it is named.', [
    `Name it: --target ${target.name}`,
    'Or name a server: --target, --url, QICORE_DB_URL.',
  ])
}
