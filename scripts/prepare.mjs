// `npm ci` in a checkout leaves a runnable bin/run.js; an install without development
// dependencies has no compiler and gets dist/ from the package instead.
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'

if (existsSync(new URL('../node_modules/typescript', import.meta.url))) {
  process.exit(spawnSync('npm', ['run', 'build', '--silent'], {stdio: 'inherit'}).status ?? 1)
}
