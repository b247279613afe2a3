import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../helpers/cli.js'
import {skipBecause} from '../helpers/engines.js'
import {directoryWith, temporaryDirectory} from '../helpers/files.js'

interface Packed {
  filename: string
  files: {path: string}[]
}

const destination = temporaryDirectory()
// dist/ is built before any test runs.
const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {...process.env, npm_config_loglevel: 'error'},
  })
let packed: Packed

beforeAll(() => {
  // What prepack does after dist/ is built.
  execFileSync(process.execPath, [join(root, 'scripts/drizzle-folder.mjs')])
  const output = npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', destination)
  const listed = JSON.parse(output.slice(output.search(/^[[{]/m))) as Packed[] | Record<string, Packed>
  packed = Object.values(listed)[0]!
}, 120_000)

/** A directory that contains only the installed package. */
function install(...flags: string[]): {directory: string; stderr: string} {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{"name": "consumer", "private": true, "type": "module"}\n')
  const {status, stderr} = spawnSync(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', ...flags, join(destination, packed.filename)],
    {cwd: directory, encoding: 'utf8'},
  )
  expect(status, stderr).toBe(0)
  return {directory, stderr}
}

const installed = (directory: string) => join(directory, 'node_modules/qicore-db')

describe('the tarball', () => {
  it('contains the program, its documentation, and nothing else', () => {
    const paths = packed.files.map(({path}) => path)
    for (const path of [
      'bin/run.js',
      'oclif.manifest.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'package.json',
      'sql/db/server.sql',
      'assets/page/page.css',
      'ops/prometheus/alerts.yaml',
      'dist/db/embedded-worker.js',
      'dist/db/connect.js',
      'docs/configuration.md',
      'drizzle/meta/_journal.json',
      'sql/migrations/checksums.txt',
    ])
      expect(paths).toContain(path)
    expect(
      paths.filter(
        (path) =>
          !/^(bin\/run\.js$|dist\/|sql\/|assets\/|ops\/|drizzle\/|docs\/|README\.md$|LICENSE$|CHANGELOG\.md$|package\.json$|oclif\.manifest\.json$|config\.schema\.json$)/.test(
            path,
          ),
      ),
    ).toEqual([])
    // Sources, tests and their source maps.
    expect(
      paths.filter((path) => (/\.ts$/.test(path) && !/\.d\.ts$/.test(path)) || /\.map$|\.test\.|^dist\/\./.test(path)),
    ).toEqual([])
    const {files, scripts} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      files: string[]
      scripts: Record<string, string>
    }
    expect(scripts.prepack).toContain('scripts/drizzle-folder.mjs')
    // npm asks for approval of each of these when a package is installed; their files are not in the package.
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$|^prepublish$/.test(name))).toEqual([])
    expect(
      files.filter((file) => !existsSync(join(root, file))),
      'every entry of "files" exists',
    ).toEqual([])
  })
})

// An installation requests the package's dependencies from the registry.
const offline =
  spawnSync('npm', ['view', '@oclif/core', 'version', '--fetch-retries=0'], {encoding: 'utf8'}).status !== 0
if (offline) skipBecause('the package is not installed: the npm registry does not answer')
else installations()

function installations(): void {
  describe('installed in an empty directory', () => {
    let directory: string
    let stderr: string
    beforeAll(() => {
      ;({directory, stderr} = install())
    }, 300_000)

    it('has no install script, so npm prints no warning about one', () => {
      expect(stderr).not.toMatch(/install.scripts/i)
    })

    it('npx qicore-db runs', async () => {
      const {stdout, status, stderr} = spawnSync('npx', ['qicore-db', '--version'], {cwd: directory, encoding: 'utf8'})
      expect({status, stderr: stderr.replace(/^npm warn.*\n/gm, '')}).toEqual({status: 0, stderr: ''})
      expect(stdout).toMatch(/^qicore-db\/\d+\.\d+\.\d+ /)
      const help = await runCli(['stats', '--help'], {bin: join(installed(directory), 'bin/run.js')})
      expectExit(help, 0)
      expect(help.stdout).toContain('qicore-db stats')
    })

    it('opens the embedded engine', async () => {
      const {code} = await consume(
        directory,
        `
        import {connect} from './node_modules/qicore-db/dist/db/connect.js'
        const db = await connect({name: null, url: 'embedded:', source: '--url', protected: false}, {applicationName: 'consumer'})
        process.exitCode = db.server.engine === 'timescaledb' ? 0 : 1
        await db.close()`,
      )
      expect(code).toBe(0)
    })

    it('gives its exports and their types to a NodeNext program', () => {
      mkdirSync(join(directory, 'node_modules/@types'), {recursive: true})
      for (const types of ['node'])
        if (!existsSync(join(directory, 'node_modules/@types', types)))
          symlinkSync(join(root, 'node_modules/@types', types), join(directory, 'node_modules/@types', types))
      writeFileSync(
        join(directory, 'use.ts'),
        "import * as qicore from 'qicore-db'\nimport pkg from 'qicore-db/package.json' with {type: 'json'}\nconst names: string[] = Object.keys(qicore)\nconsole.log(JSON.stringify({names, version: pkg.version}))\n",
      )
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            module: 'NodeNext',
            target: 'ES2022',
            strict: true,
            types: ['node'],
            resolveJsonModule: true,
            skipLibCheck: false,
          },
          files: ['use.ts'],
        }),
      )
      const {stdout} = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', directory], {
        encoding: 'utf8',
      })
      // Mistakes in the types of a dependency are not those of this package.
      expect(stdout.split('\n').filter((line) => /^use\.ts|node_modules\/qicore-db\//.test(line))).toEqual([])
      const ran = spawnSync(process.execPath, ['use.js'], {cwd: directory, encoding: 'utf8'})
      expect(ran.stderr.replace(/^.*ExperimentalWarning.*\n|^\(Use `node.*\n/gm, '')).toBe('')
      expect((JSON.parse(ran.stdout) as {names: string[]}).names.length).toBeGreaterThan(0)
    })
  })

  describe('installed with --omit=optional', () => {
    it('works, and says clearly that the embedded engine is missing', async () => {
      const bin = join(installed(install('--omit=optional').directory), 'bin/run.js')
      expect(existsSync(join(bin, '../../../@unni-craftsman'))).toBe(false)
      expectExit(await runCli(['--version'], {bin}), 0)
      // An in-memory database, and a directory that was created elsewhere with the engine.
      for (const url of ['embedded:', `embedded:${directoryWith({'db/PG_VERSION': '17\n'})}/db`]) {
        const result = await runCli(['stats', '--json', '--url', url], {bin})
        expectExit(result, 4)
        expect(jsonOf(result)).toMatchObject({error: {code: 'NO_EMBEDDED_ENGINE', exitCode: 4}})
      }
    }, 300_000)
  })
}

async function consume(directory: string, code: string): Promise<{code: number | null}> {
  writeFileSync(join(directory, 'consume.mjs'), code)
  const {status, stderr} = spawnSync(process.execPath, ['consume.mjs'], {cwd: directory, encoding: 'utf8'})
  expect(stderr).toBe('')
  return {code: status}
}
