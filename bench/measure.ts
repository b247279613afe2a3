import {appendFileSync} from 'node:fs'

/** The timings of one contestant over all rounds, in milliseconds. */
export interface Timing {
  name: string
  median: number
  min: number
  max: number
}

/**
 * Runs every contestant once a round, in a new order each time, so that a slow phase of the machine affects all of
 * them. The first round warms up and is discarded.
 */
export async function race<Name extends string>(
  rounds: number,
  contestants: Record<Name, () => Promise<unknown> | unknown>,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(contestants) as Name[]
  const taken = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (let index = 0; index < names.length; index += 1) {
      const name = names[(index + round) % names.length]!
      const started = performance.now()
      await contestants[name]()
      if (round > 0) taken.get(name)!.push(performance.now() - started)
    }
  }
  return Object.fromEntries(names.map((name) => [name, timing(name, taken.get(name)!)])) as Record<Name, Timing>
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Timings over all rounds, for a benchmark that measures only a part of each contestant. */
export function timing(name: string, taken: readonly number[]): Timing {
  return {name, median: median(taken), min: Math.min(...taken), max: Math.max(...taken)}
}

/** One goal of a benchmark: the ratio of two contestants of the same run. */
export interface Goal {
  what: string
  ratio: number
  atMost: number
}

/** What one call of `report` said. */
export interface Measured {
  title: string
  timings: readonly Timing[]
  goals: readonly (Goal & {met: boolean})[]
}

/**
 * Prints the timings and whether each goal is met; sets exit code 1 if one is not. Appends the same as a line of JSON to
 * the file that QICORE_BENCH_RESULTS names.
 */
export function report(title: string, timings: readonly Timing[], goals: readonly Goal[]): void {
  const measured: Measured = {title, timings, goals: goals.map((goal) => ({...goal, met: goal.ratio <= goal.atMost}))}
  if (process.env.QICORE_BENCH_RESULTS)
    appendFileSync(process.env.QICORE_BENCH_RESULTS, `${JSON.stringify(measured)}\n`)
  const lines = [title]
  for (const {name, median, min, max} of timings)
    lines.push(`  ${name.padEnd(44)} ${ms(median)}   (${ms(min)} to ${ms(max)})`)
  for (const {what, ratio, atMost} of goals)
    lines.push(`${ratio <= atMost ? ' ' : '!'} ${what}: ${ratio.toFixed(2)} x (at most ${atMost})`)
  process.stdout.write(`${lines.join('\n')}\n`)
  if (goals.some(({ratio, atMost}) => ratio > atMost)) process.exitCode = 1
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`.padStart(10)
}
