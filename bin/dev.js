#!/usr/bin/env node
// The program as src/ is now: compiles, lists the commands anew, and runs. (Loading src/ itself needs the compiler's
// API, which TypeScript 7 does not have.)
import {spawnSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'

for (const script of ['build', 'manifest'])
  spawnSync(process.execPath, [fileURLToPath(new URL(`../scripts/${script}.mjs`, import.meta.url))], {
    stdio: ['ignore', 2, 2],
  })

await import('./run.js')
