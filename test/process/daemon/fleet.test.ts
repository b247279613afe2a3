import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {auditProblems} from '../../../src/schedule/audit.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {daemonIn, fleetConfigOf, type DaemonProcess} from '../../helpers/daemon-process.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {createDatabase, targetOf, writing} from '../../helpers/server.js'

let server: NativePostgres
const databases: Awaited<ReturnType<typeof createDatabase>>[] = []
beforeAll(async () => {
  server = await startPostgres18()
  for (let n = 0; n < 3; n += 1) {
    databases.push(await createDatabase(server.url, null))
    const db = await connect(targetOf(databases[n]!.url), {applicationName: 'qicore-db/test'})
    await withCore({db})
    await db.autocommit(writing, statement('create table public.effects (job text, at timestamptz)'))
    await db.close()
  }
})
afterAll(() => server.stop())

const jobs = {
  tick: {
    kind: 'sql',
    schedule: '* * * * * *',
    catchUp: 'all',
    overlap: 'queue',
    statement:
      "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)",
  },
}
const urls = (names: string) => Object.fromEntries([...names].map((name, n) => [name, databases[n]!.url]))
const missing = () => databases[0]!.url.replace(/[^/]+$/, 'qicore_test_missing')
const configure = (directory: string, targets: Record<string, string>) =>
  writeFileSync(join(directory, 'qicore-db.config.yaml'), fleetConfigOf(targets, jobs))
const stopped = async (daemon: DaemonProcess) => {
  daemon.child.kill('SIGTERM')
  return daemon.ended
}
const of = (target: string) => (line: Record<string, unknown>) => line.target === target

it('a target that cannot work ends no other, and health, metrics, log and pages name each target', async () => {
  const directory = temporaryDirectory()
  configure(directory, {...urls('ab'), lost: missing()})
  const daemon = daemonIn(directory, ['--all-targets', '--listen', '127.0.0.1:0', '--poll', '500ms'])
  const {address} = await daemon.event('listening')
  const ask = (path: string) => fetch(`http://${String(address)}${path}`)
  await Promise.all([
    daemon.event('occurrence_ended', of('a')),
    daemon.event('occurrence_ended', of('b')),
    daemon.event('target_failed', of('lost')),
  ])
  const ready = await ask('/readyz')
  const state = (await ready.json()) as {ready: boolean; targets: {target: string; reason: string | null}[]}
  expect([ready.status, state.ready, (await ask('/healthz')).status]).toEqual([503, false, 200])
  expect(state.targets.map(({target, reason}) => [target, reason === null])).toEqual([
    ['a', true],
    ['b', true],
    ['lost', false],
  ])
  expect(state.targets[2]!.reason).toContain('qicore_test_missing')
  expect((await ask('/readyz?target=a')).status).toBe(200)
  expect((await ask('/readyz?target=lost')).status).toBe(503)
  expect((await ask('/readyz?target=none')).status).toBe(404)

  const metrics = await (await ask('/metrics')).text()
  expect([...metrics.matchAll(/^qicore_db_database_up\{target="(\w+)"\} (\d)$/gm)].map(([, ...both]) => both)).toEqual([
    ['a', '1'],
    ['b', '1'],
    ['lost', '0'],
  ])
  const unlabelled = metrics.split('\n').filter((line) => /^qicore_db_/.test(line) && !line.includes('target="'))
  expect(unlabelled.every((line) => /^qicore_db_(process|build)_/.test(line))).toBe(true)
  expect(metrics.match(/^# TYPE (\S+)/gm)).toHaveLength(new Set(metrics.match(/^# TYPE (\S+)/gm)).size)

  const index = await ask('/')
  expect(index.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await index.text()).toMatch(/3 targets[\s\S]*href="targets\/lost\/"[\s\S]*href="targets\/a\/"/)
  expect((await ask('/targets/a/')).status).toBe(200)
  expect((await ask('/targets/none/')).status).toBe(404)
  expect((await ask('/runs/1')).status).toBe(404)
  expect((await ask('/report.json')).status).toBe(400)
  expect(await (await ask('/report.json?target=b')).json()).toMatchObject({kind: 'report', target: 'b'})

  configure(directory, {...urls('abc')})
  daemon.child.kill('SIGHUP')
  expect(await daemon.event('reloaded')).toMatchObject({added: ['c'], removed: ['lost'], changed: []})
  await daemon.event('occurrence_ended', of('c'))
  writeFileSync(join(directory, 'qicore-db.config.yaml'), 'targets: [')
  daemon.child.kill('SIGHUP')
  await daemon.event('reload_failed')
  expect(((await (await ask('/readyz')).json()) as {targets: unknown[]}).targets).toHaveLength(3)
  configure(directory, {b: databases[1]!.url})
  daemon.child.kill('SIGHUP')
  await daemon.event('reloaded', ({removed}) => String(removed) === 'a,c')
  await Promise.all([daemon.event('stopping', of('a')), daemon.event('stopping', of('c'))])
  expect(await stopped(daemon)).toBe(0)
  expect(daemon.lines.filter(({event}) => event === 'target_failed')).toHaveLength(1)
  // The loop of b went on.
  expect(daemon.lines.filter(({event, target}) => event === 'started' && target === 'b')).toHaveLength(1)
  const ofProcess = new Set(daemon.lines.filter(({target}) => target === undefined).map(({event}) => event))
  expect(ofProcess).toEqual(new Set(['listening', 'reloaded', 'reload_failed', 'stopped']))
})

it('a database that is dropped while the daemon only observes it is reported within seconds, and its return too', async () => {
  const database = await createDatabase(server.url, null)
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'qicore-db.config.yaml'), fleetConfigOf({a: database.url, b: databases[1]!.url}, {}))
  // The daemon polls much later than the test ends.
  const daemon = daemonIn(directory, ['--all-targets', '--listen', '127.0.0.1:0', '--poll', '10min'])
  const {address} = await daemon.event('listening')
  await Promise.all([daemon.event('observing', of('a')), daemon.event('observing', of('b'))])
  const name = new URL(database.url).pathname.slice(1)
  const db = await connect(targetOf(server.url), {applicationName: 'qicore-db/test'})
  await db.autocommit(writing, statement(`drop database ${name} with (force)`))
  await daemon.event('connection_lost', of('a'))
  const {targets} = (await (await fetch(`http://${String(address)}/readyz`)).json()) as {targets: {ready: boolean}[]}
  expect(targets.map(({ready}) => ready)).toEqual([false, true])
  await db.autocommit(writing, statement(`create database ${name}`))
  await daemon.event('database_back', of('a'))
  await db.close()
  expect(await stopped(daemon)).toBe(0)
  await database.drop()
})

it('ends with the exit code of its targets when none of them can work', async () => {
  const directory = temporaryDirectory()
  configure(directory, {a: missing(), b: missing()})
  const daemon = daemonIn(directory, ['--targets', 'a,b'])
  expect(await daemon.ended).toBe(4)
  expect(daemon.stderr()).toContain('None of the 2 targets works')
})

it('two daemons share three databases, one of them is killed, and each due time has exactly one row', async () => {
  const directory = temporaryDirectory()
  configure(directory, urls('abc'))
  const flags = ['--all-targets', '--lease', '3s', '--poll', '500ms', '--workers', '2']
  const [killed, kept] = [daemonIn(directory, flags), daemonIn(directory, flags)]
  const busy = async (daemon: DaemonProcess) => {
    for (const name of 'abc') await daemon.event('ready', of(name))
  }
  await Promise.all([busy(killed), busy(kept)])
  await Promise.race([...'abc'].map((name) => killed.event('occurrence_started', of(name))))
  killed.child.kill('SIGKILL')
  await killed.ended
  for (const {url} of databases) {
    const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
    try {
      const problems = async () =>
        (await readAudit(db, null, null, 0)).jobs.map(
          (audit) => auditProblems(audit, 0) + (audit.byStatus.running ?? 0),
        )
      await expect.poll(problems, {timeout: 20_000, interval: 100}).toEqual([0])
      const wrong = await db.query(
        statement(`select l.scheduled_at from qicore.maintenance_log l left join public.effects e on e.at = l.scheduled_at
        where l.status in ('done', 'done_late') group by 1 having count(*) <> 1 or count(e.at) <> 1`),
      )
      expect(wrong).toEqual([])
    } finally {
      await db.close()
    }
  }
  expect(await stopped(kept)).toBe(0)
})

it('commands in messages name their target, which is not the default one', async () => {
  const directory = temporaryDirectory()
  const {url} = await createDatabase(server.url, null)
  const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
  await db.autocommit(writing, statement('create table public.ticks (time timestamptz) partition by range (time)'))
  await db.close()
  const partitions = {'public.ticks': {partitions: {every: 'month', ahead: 2}}}
  const config = JSON.parse(fleetConfigOf({a: databases[0]!.url, b: url}, jobs)) as object
  writeFileSync(join(directory, 'qicore-db.config.yaml'), JSON.stringify({...config, default: 'a', tables: partitions}))
  const daemon = daemonIn(directory, ['--targets', 'a', '--targets', 'b', '--listen', '127.0.0.1:0'])
  const warning = await daemon.event('warning', (line) => of('b')(line) && /ticks/.test(String(line.message)))
  expect(warning.message).toContain('Fix: qicore-db partitions ensure ticks --target b')
  const {address} = await daemon.event('listening')
  const ready = await (await fetch(`http://${String(address)}/readyz?target=b`)).text()
  expect(ready).toContain('partitions ensure ticks --target b')
  expect(await stopped(daemon)).toBe(0)
})

it('SIGHUP tries a target that failed again, because what was wrong may have been corrected', async () => {
  const directory = temporaryDirectory()
  configure(directory, {...urls('a'), lost: missing()})
  const daemon = daemonIn(directory, ['--all-targets', '--poll', '500ms'])
  await Promise.all([daemon.event('target_failed', of('lost')), daemon.event('ready', of('a'))])
  const admin = await connect(targetOf(databases[0]!.url), {applicationName: 'qicore-db/test'})
  await admin.autocommit(writing, statement('create database qicore_test_missing'))
  await admin.close()
  daemon.child.kill('SIGHUP')
  expect(await daemon.event('reloaded')).toMatchObject({added: [], removed: [], changed: []})
  await daemon.event('connected', of('lost'))
  expect(await stopped(daemon)).toBe(0)
})
