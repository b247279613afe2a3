import {simulate, type SimulationOptions, type SimulationResult} from './simulate.js'

/** Runs a seed twice. A log that differs is a violation too. */
export async function simulateTwice(options: SimulationOptions, once = false): Promise<SimulationResult> {
  const result = await simulate(options)
  if (once) return result
  const again = await simulate(options)
  if (again.digest === result.digest && again.lines === result.lines) return result
  return {...result, violation: `two runs differ: ${result.lines} and ${again.lines} lines`}
}

/** The command that prints the log of a seed. */
export function replayCommand(seed: number, instants: number): string {
  return `npm run simulate -- --seed ${seed} --instants ${instants}`
}
