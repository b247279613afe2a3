// `npm ci` in a checkout leaves a runnable bin/run.js; an install without development
// dependencies has no compiler and gets dist/ from the package instead. npm runs the script `dependencies` only in the
// project itself; with `prepare`, npm would warn every user who installs the package about an install script.
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

if (existsSync(new URL('../node_modules/typescript', import.meta.url))) {
  process.exitCode =
    spawnSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], {stdio: 'inherit'}).status ?? 1
} else if (!existsSync(new URL('../dist', import.meta.url))) {
  console.error('dist/ is not built: the compiler is a development dependency, and those were left out.')
}
