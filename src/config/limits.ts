import type {Environment} from '../db/libpq.js'
import {defaultLimits, type Limits} from '../run/limits.js'
import {approximateSeconds, parseDuration, type Duration} from '../units/duration.js'
import {qicoreVariables} from '../units/environment.js'
import type {Config} from './load.js'
import {strongest, type Setting} from './precedence.js'

/** The limits that an operator can set: times in milliseconds, and a number of chunks. */
export type LimitSettings = Record<
  'lockTimeout' | 'exclusiveLockTimeout' | 'lateAfter' | 'maxDropPerRun',
  Setting<number>
>

/** Limits from flags. */
export interface GivenLimits {
  lockTimeout?: Duration | undefined
  /** Beside those of the configuration. */
  acceptedHazards?: readonly string[] | undefined
}

/** @throws OpsError DURATION for an invalid variable */
export function limitSettings(config: Config | null, given: GivenLimits, env: Environment): LimitSettings {
  const own = config?.limits ?? {}
  const file = config?.file
  const byFile = (name: 'exclusiveLockTimeout' | 'lateAfter') =>
    strongest({config: {file, value: milliseconds(own[name])}, default: defaultLimits[name]})
  return {
    lockTimeout: strongest({
      flag: {name: '--lock-timeout', value: milliseconds(given.lockTimeout)},
      environment: {name: qicoreVariables.lockTimeout, env, parse: (text) => milliseconds(parseDuration(text))},
      config: {file, value: milliseconds(own.lockTimeout)},
      default: defaultLimits.lockTimeout,
    }),
    exclusiveLockTimeout: byFile('exclusiveLockTimeout'),
    lateAfter: byFile('lateAfter'),
    maxDropPerRun: strongest({config: {file, value: own.maxDropPerRun}, default: defaultLimits.maxDropPerRun}),
  }
}

/** The limits from flags, environment and configuration, with defaults for the others; times in milliseconds. */
export function limitsOf(config: Config | null, given: GivenLimits, env: Environment): Limits {
  const {lockTimeout, exclusiveLockTimeout, lateAfter, maxDropPerRun} = limitSettings(config, given, env)
  return {
    ...defaultLimits,
    acceptedHazards: [...(config?.limits.acceptedHazards ?? []), ...(given.acceptedHazards ?? [])],
    lockTimeout: lockTimeout.value,
    exclusiveLockTimeout: exclusiveLockTimeout.value,
    lateAfter: lateAfter.value,
    maxDropPerRun: maxDropPerRun.value,
  }
}

function milliseconds(duration: Duration): number
function milliseconds(duration: Duration | undefined): number | undefined
function milliseconds(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Math.round(approximateSeconds(duration) * 1000)
}
