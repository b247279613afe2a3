import {spawnSync} from 'node:child_process'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import {root} from '../helpers/build.js'

interface Workflow {
  jobs: Record<string, {steps: {run?: string; with?: Record<string, string>}[]; strategy?: {matrix: {node?: number[]}}}>
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
  engines: {node: string}
}
const folder = join(root, '.github/workflows')
const workflows = readdirSync(folder).map((file) => ({
  file,
  ...(parse(readFileSync(join(folder, file), 'utf8')) as Workflow),
}))

describe('the workflows', () => {
  it('run only scripts of package.json', () => {
    const scripts = workflows
      .flatMap(({jobs}) => Object.values(jobs))
      .flatMap(({steps}) => steps)
      .flatMap(({run}) => [...(run ?? '').matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!))
    expect(scripts.length).toBeGreaterThan(3)
    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([])
  })

  it('start with the oldest Node that the package supports', () => {
    const versions = workflows
      .flatMap(({jobs}) => Object.values(jobs))
      .flatMap((job) => job.strategy?.matrix.node ?? [])
    expect(`>=${Math.min(...versions)}`).toBe(manifest.engines.node)
  })
})

describe('npm version', () => {
  const guard = (version: string) =>
    spawnSync(process.execPath, [join(root, 'scripts/changelog-guard.mjs')], {
      env: {...process.env, npm_new_version: version},
      encoding: 'utf8',
    })

  it('fails if CHANGELOG.md has no section for the version', () => {
    const {status, stderr} = guard('999.0.0')
    expect(status).toBe(1)
    expect(stderr).toContain('"## [999.0.0] - <date>"')
  })
})
