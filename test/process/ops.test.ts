import {spawn, spawnSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {parseAllDocuments, parse} from 'yaml'
import {root} from '../helpers/build.js'
import {configOf, daemonIn} from '../helpers/daemon-process.js'
import {forEachEngine, skipBecause} from '../helpers/engines.js'
import {temporaryDirectory} from '../helpers/files.js'
import {ourCommands} from '../helpers/manifest.js'
import {up} from '../helpers/migrate-up.js'

const file = (path: string) => readFileSync(join(root, path), 'utf8')

interface Rule {
  alert: string
  expr: string
  annotations: {runbook: string}
}
const rules = (parse(file('ops/prometheus/alerts.yaml')) as {groups: {rules: Rule[]}[]}).groups.flatMap(
  (group) => group.rules,
)

interface Dashboard {
  panels: {title: string; targets: {expr: string}[]}[]
}
const dashboard = JSON.parse(file('ops/grafana/qicore-db.json')) as Dashboard
const queries = [
  ...rules.map(({alert, expr}) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({title, targets}) => targets.map(({expr}) => [title, expr] as const)),
]

const promtool = spawnSync('promtool', ['--version']).status === 0
if (promtool)
  it('promtool accepts the alert rules, and they fire as their own tests say', () => {
    const cwd = join(root, 'ops/prometheus')
    for (const args of [
      ['check', 'rules', 'alerts.yaml'],
      ['test', 'rules', 'alerts-tests.yaml'],
    ]) {
      const {status, stdout, stderr} = spawnSync('promtool', args, {cwd, encoding: 'utf8'})
      expect(status, `${stdout}\n${stderr}`).toBe(0)
    }
  })
else skipBecause("promtool is not installed (Debian's package prometheus has it)")

const service = join(root, 'ops/systemd/qicore-db.service')
// `security --offline` came with systemd 250.
const systemd = Number(/^systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version']).stdout?.toString() ?? '')?.[1])
if (systemd >= 250)
  it('systemd accepts the service, and rates its exposure as low', () => {
    for (const args of [['verify'], ['security', '--offline=true', '--threshold=20']]) {
      const {status, stdout, stderr} = spawnSync('systemd-analyze', [...args, service], {encoding: 'utf8'})
      expect(status, `${stdout}\n${stderr}`).toBe(0)
    }
  })
else skipBecause('systemd-analyze 250 or later is not installed')

if (systemd >= 250 && spawnSync('strace', ['true']).status === 0)
  it('the service allows every system call of a daemon that starts, works and stops', async () => {
    const trace = join(temporaryDirectory(), 'trace')
    // A server that refuses the connection: the daemon starts, tries again, and stops.
    const child = spawn(
      'strace',
      ['-f', '-o', trace, process.execPath, join(root, 'bin/run.js'), 'daemon', '--url', 'postgres://127.0.0.1:1/none'],
      {stdio: ['ignore', 'pipe', 'ignore'], detached: true},
    )
    await new Promise((resolve) => child.stdout.once('data', resolve))
    // strace ignores the signal; its process group includes the daemon.
    process.kill(-child.pid!, 'SIGTERM')
    await new Promise((resolve) => child.once('close', resolve))
    const used = new Set([...readFileSync(trace, 'utf8').matchAll(/^\d+ +([a-z]\w*)\(/gm)].map(([, name]) => name!))
    expect(used).toContain('execve')
    const allowed = allowedCalls()
    expect([...used].filter((name) => !allowed.has(name))).toEqual([])
  })
else skipBecause('strace or systemd-analyze 250 is not installed')

/** The system calls that the service's filters leave. */
function allowedCalls(): ReadonlySet<string> {
  const allowed = new Set(callsOf('@default'))
  for (const [, without, groups] of readFileSync(service, 'utf8').matchAll(/^SystemCallFilter=(~?)(.+)$/gm))
    for (const name of groups!.split(' ').flatMap(callsOf)) {
      if (without) allowed.delete(name)
      else allowed.add(name)
    }
  return allowed
}

/** The calls of a group, which may contain groups. */
function callsOf(group: string): string[] {
  if (!group.startsWith('@')) return [group]
  const {stdout} = spawnSync('systemd-analyze', ['syscall-filter', group], {encoding: 'utf8'})
  return stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(callsOf)
}

it('every alert has a section in docs/alerts.md, and every section has an alert', () => {
  const sections = [...file('docs/alerts.md').matchAll(/^## (\S+)$/gm)].map(([, name]) => name)
  expect(sections).toEqual(rules.map(({alert}) => alert))
  for (const {alert, annotations} of rules) expect(annotations.runbook).toBe(`docs/alerts.md#${alert.toLowerCase()}`)
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('every metric and label of the alerts and of the dashboard exists in a running daemon', async () => {
    const {db, url} = await engine.database()
    await up(db)
    const cwd = temporaryDirectory()
    writeFileSync(
      join(cwd, 'qicore-db.config.yaml'),
      configOf(url, {often: {kind: 'sql', schedule: '* * * * * *', statement: 'select 1'}}),
    )
    const daemon = daemonIn(cwd, ['--listen', '127.0.0.1:0'])
    try {
      const {address} = await daemon.event('listening')
      await daemon.event('occurrence_ended')
      const scrape = async () => (await fetch(`http://${String(address)}/metrics`)).text()
      await scrape()
      // The first scrape starts the reading of tables and policies.
      await expect.poll(scrape, {timeout: 20_000}).toMatch(/^qicore_db_survey_timestamp_seconds\{target="test"\} \d/m)
      await pause(1_100)
      const text = await scrape()
      const known = new Set(
        [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
          type === 'histogram' ? [`${name!}_bucket`] : [name!],
        ),
      )
      for (const [what, expr] of queries)
        for (const [name] of expr.matchAll(/qicore_db_\w+/g)) expect(known, `${name} in ${what}`).toContain(name)
      // The labels by which queries select and group, of the metrics that have a value here.
      for (const [what, expr] of queries)
        for (const [, labels, name] of expr.matchAll(/by \(([^)]*)\) \([^(]*?(qicore_db_\w+)/g)) {
          const sample = new RegExp(`^${name!}\\{([^}]*)\\}`, 'm').exec(text)?.[1]
          if (sample === undefined) continue
          for (const label of labels!.split(', '))
            expect(sample, `${label} of ${name!} in ${what}`).toContain(`${label}="`)
        }
    } finally {
      daemon.child.kill('SIGTERM')
      await daemon.ended
    }
  })
})

it('every path that the Dockerfile copies exists and reaches the builder', () => {
  const sent = file('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const copied = [...file('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
    paths!.split(' '),
  )
  expect(copied).toContain('assets')
  for (const path of copied) {
    expect(sent, `.dockerignore excludes ${path}`).toContain(path)
    expect(existsSync(join(root, path)), path).toBe(true)
  }
})

it('the image fills its compile cache as the user who runs it, and nothing that starts the image changes either', () => {
  const dockerfile = file('Dockerfile')
  const [, final] = dockerfile.split(/^FROM .+slim$/m)
  const directory = /NODE_COMPILE_CACHE=(\S+)/.exec(final!)![1]!
  const workingDirectory = /^WORKDIR (\S+)$/m.exec(final!)![1]!
  expect(directory.startsWith(`${workingDirectory}/`)).toBe(true)
  expect(final).toContain('chown node:node "$NODE_COMPILE_CACHE"')
  const user = final!.indexOf('USER node')
  const filled = final!.indexOf('RUN server=')
  expect(user).toBeGreaterThan(0)
  expect(filled).toBeGreaterThan(user)
  // Node's cache belongs to a user id; `node` has 1000 in the base image.
  const container = parseAllDocuments(file('ops/kubernetes/deployment.yaml'))
    .map((document) => document.toJS() as Record<string, unknown>)
    .find(({kind}) => kind === 'Deployment') as unknown as {
    spec: {template: {spec: {securityContext: {runAsUser: number}; containers: unknown[]}}}
  }
  expect(container.spec.template.spec.securityContext.runAsUser).toBe(1000)
  // A variable or a volume over the directory would make the start cold.
  for (const path of ['ops/kubernetes/deployment.yaml', 'compose.yaml']) {
    expect(file(path), path).not.toContain('NODE_COMPILE_CACHE')
    expect(file(path), path).not.toMatch(/mountPath: \/app|:\/app/)
    expect(file(path), path).toMatch(/readOnlyRootFilesystem: true|read_only: true/)
  }
})

it('the commands of the service and of the manifests exist with their flags', async () => {
  const {commands} = await ourCommands()
  const flags = new Set(Object.keys(commands.find(({id}) => id === 'daemon')!.flags))
  const started = /^ExecStart=.* qicore-db (daemon .*)$/m.exec(readFileSync(service, 'utf8'))![1]!
  const documents = readdirSync(join(root, 'ops/kubernetes')).flatMap((name) =>
    parseAllDocuments(file(`ops/kubernetes/${name}`)).map((document) => {
      expect(document.errors).toEqual([])
      return document.toJS() as Record<string, never>
    }),
  )
  const deployment = documents.find(({kind}) => kind === ('Deployment' as never)) as unknown as {
    spec: {template: {spec: {containers: {args: string[]}[]}}}
  }
  for (const args of [started.split(' '), deployment.spec.template.spec.containers[0]!.args]) {
    expect(args[0]).toBe('daemon')
    for (const word of args.filter((word) => word.startsWith('--'))) expect(flags).toContain(word.slice(2))
  }
})
