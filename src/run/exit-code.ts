import {ExitCode} from '../errors.js'
import type {RunReport, StepReport} from './step.js'

/** The exit code of a command for the results of its steps. */
export function exitCodeOf({steps, interrupted}: Pick<RunReport, 'steps' | 'interrupted'>): ExitCode {
  if (interrupted) return ExitCode.interrupted
  return steps.some(({status}) => status === 'failed') ? exitCodeOfFailure(steps) : ExitCode.done
}

/**
 * The exit code of a run that failed: 6 if some of its steps were done; 5 if none was, and other sessions blocked all
 * of those that failed; otherwise 1, as when it failed before its first step.
 */
export function exitCodeOfFailure(steps: readonly Pick<StepReport, 'status' | 'reason'>[]): ExitCode {
  if (steps.some(({status}) => status === 'done')) return ExitCode.partial
  const failed = steps.filter(({status}) => status === 'failed')
  const isBlocked = failed.length > 0 && failed.every(({reason}) => reason?.code === 'blocked')
  return isBlocked ? ExitCode.lockHeld : ExitCode.failed
}
