/** `npm run bench [name…]` runs every benchmark of this directory, or those named, each in a separate process. */
import {spawnSync} from 'node:child_process'
import {readdirSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const shared = new Set(['run', 'measure', 'database', 'ten-thousand-chunks'])
const all = readdirSync(here)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .filter((name) => !shared.has(name))
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !all.includes(name))
if (unknown.length > 0) throw new Error(`There is no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}.`)

for (const name of asked.length > 0 ? asked : all) {
  const {status} = spawnSync(process.execPath, ['--import', 'tsx', `${here}${name}.ts`], {stdio: 'inherit'})
  if (status !== 0) process.exitCode = 1
}
