// Compiles src/ into a directory beside dist/ and then moves file by file into place, so that a program that runs
// meanwhile finds complete files, and unchanged files are not touched. Files without a source are removed.
import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache/qicore-db')
const made = join(cache, `dist-${process.pid}`)
const dist = join(root, 'dist')

const filesOf = (directory) =>
  existsSync(directory)
    ? readdirSync(directory, {recursive: true, withFileTypes: true})
        .filter((entry) => entry.isFile())
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    : []
const same = (a, b) => existsSync(b) && readFileSync(a).equals(readFileSync(b))

const tsc = join(root, 'node_modules/typescript/bin/tsc')
const {status} = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', made], {
  cwd: root,
  stdio: 'inherit',
})

const files = filesOf(made)
for (const file of files) {
  const [from, to] = [join(made, file), join(dist, file)]
  if (same(from, to)) continue
  mkdirSync(dirname(to), {recursive: true})
  renameSync(from, to)
}
for (const file of filesOf(dist))
  if (!existsSync(join(root, 'src', file.replace(/(\.d\.ts|\.js)$/, '.ts')))) rmSync(join(dist, file), {force: true})
rmSync(made, {recursive: true, force: true})

// test/helpers/build.ts compares this with the sources.
if (status === 0) writeFileSync(join(cache, 'built'), '')
process.exitCode = status ?? 1
