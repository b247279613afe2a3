// Compiles src/ to dist/. In place, and only afterwards without what has no source any more: whoever runs the
// program meanwhile always finds it whole.
import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules/.cache/qicore-db/built')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const {status} = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {cwd: root, stdio: 'inherit'})

for (const entry of readdirSync(join(root, 'dist'), {recursive: true, withFileTypes: true})) {
  const path = join(entry.parentPath, entry.name)
  const source = path.replace(join(root, 'dist'), join(root, 'src')).replace(/(\.d\.ts|\.js)$/, '.ts')
  if (!existsSync(source)) rmSync(path, {recursive: true, force: true})
}
if (status === 0) {
  mkdirSync(dirname(stamp), {recursive: true})
  writeFileSync(stamp, '')
}
process.exitCode = status ?? 1
