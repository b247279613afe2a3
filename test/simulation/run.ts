/**
 * Runs seeds of the simulator: `npm run simulate -- [--seeds 100] [--from 1] [--instants 1000]`, or one with its log:
 * `npm run simulate -- --seed 7`.
 */
import {parseArgs} from 'node:util'
import {replayCommand, simulateTwice} from './replay.js'

const {values} = parseArgs({
  options: {
    seed: {type: 'string'},
    seeds: {type: 'string', default: '100'},
    from: {type: 'string', default: '1'},
    instants: {type: 'string', default: '1000'},
    once: {type: 'boolean', default: false},
  },
})
const instants = Number(values.instants)
const began = performance.now()
const faults = new Map<string, number>()
let total = 0
let failed = 0
const first = Number(values.seed ?? values.from)
const last = values.seed === undefined ? first + Number(values.seeds) - 1 : first
for (let seed = first; seed <= last; seed += 1) {
  const result = await simulateTwice({seed, instants, keepLog: values.seed !== undefined}, values.once)
  total += result.instants
  for (const [fault, count] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + count)
  if (values.seed !== undefined) for (const line of result.log) console.log(line)
  if (result.violation === null) continue
  failed += 1
  console.error(`seed ${seed}: ${result.violation}\n  ${replayCommand(seed, instants)}`)
}
const elapsed = (performance.now() - began) / 1000
console.error(
  [...faults]
    .sort((a, b) => b[1] - a[1])
    .map(([fault, count]) => `${String(count).padStart(9)} ${fault}`)
    .join('\n'),
)
console.error(
  `${last - first + 1} seeds, ${total} due times in ${elapsed.toFixed(1)} s (${Math.round(total / elapsed)}/s), ${failed} failed`,
)
process.exitCode = failed === 0 ? 0 : 1
