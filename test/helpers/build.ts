import {existsSync, readdirSync, statSync} from 'node:fs'
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'

/** The checkout. */
export const root = new URL('../../', import.meta.url).pathname

/** Written by scripts/build.mjs after everything has compiled. */
const stamp = join(root, 'node_modules/.cache/qicore-db/built')

/**
 * The binary and the embedded engine's thread run from dist/. After an edit of src/ it is built again, so that no test
 * runs an older version of the program.
 */
export function buildIfStale(): void {
  const built = existsSync(join(root, 'dist')) ? (statSync(stamp, {throwIfNoEntry: false})?.mtimeMs ?? 0) : 0
  const edited = readdirSync(join(root, 'src'), {recursive: true, withFileTypes: true}).map(
    (entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs,
  )
  if (Math.max(...edited) < built) return
  const {status, stdout, stderr} = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {encoding: 'utf8'})
  if (status !== 0) process.stderr.write(`dist/ is built with errors:\n${stdout}${stderr}\n`)
}
