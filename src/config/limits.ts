import {defaultLimits, type Limits} from '../run/limits.js'
import {approximateSeconds, type Duration} from '../units/duration.js'
import type {Config} from './load.js'

/** The configuration's `limits` over the defaults, in milliseconds. */
export function limitsOf(config: Config): Limits {
  const {lockTimeout, exclusiveLockTimeout, lateAfter, maxDropPerRun} = config.limits
  const ms = (duration: Duration | undefined, otherwise: number) =>
    duration === undefined ? otherwise : Math.round(approximateSeconds(duration) * 1000)
  return {
    ...defaultLimits,
    lockTimeout: ms(lockTimeout, defaultLimits.lockTimeout),
    exclusiveLockTimeout: ms(exclusiveLockTimeout, defaultLimits.exclusiveLockTimeout),
    lateAfter: ms(lateAfter, defaultLimits.lateAfter),
    maxDropPerRun: maxDropPerRun ?? defaultLimits.maxDropPerRun,
  }
}
