import {execFileSync, spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import * as library from '../../src/index.js'
import {root} from '../helpers/build.js'
import {forEachEngine} from '../helpers/engines.js'

const text = readFileSync(join(root, 'docs/library.md'), 'utf8')
const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm)].map(
  ([, code, output]) => ({code: code!, output: output ?? null}),
)

// Below the root, so that the package resolves itself by name, through its exports.
mkdirSync(join(root, '.qicore'), {recursive: true})
const directory = mkdtempSync(join(root, '.qicore/library-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

beforeAll(() => {
  for (const [index, {code}] of blocks.entries()) writeFileSync(join(directory, `example${index}.ts`), code)
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {noEmit: false, outDir: 'out', rootDir: '.', declaration: false, sourceMap: false},
      include: ['*.ts'],
    }),
  )
  const {status, stdout} = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', directory],
    {encoding: 'utf8'},
  )
  if (status !== 0) throw new Error(`docs/library.md does not compile:\n${stdout}`)
}, 120_000)

it('docs/library.md names everything that the package exports', () => {
  expect(
    Object.keys(library).filter((name) => !['statement'].includes(name) && !new RegExp(`\\b${name}\\b`).test(text)),
  ).toEqual([])
})

forEachEngine({native: true}, (engine) => {
  it('the examples of docs/library.md run, and print what the page shows below them', async () => {
    expect(blocks.length).toBeGreaterThan(5)
    const url = await engine.urlFor(async () => {})
    for (const [index, {code, output}] of blocks.entries()) {
      const stdout = execFileSync(process.execPath, [join(directory, 'out', `example${index}.js`)], {
        encoding: 'utf8',
        env: {...process.env, QICORE_DB_URL: url},
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      if (output !== null) expect(stdout, code).toBe(output)
    }
  }, 120_000)
})
