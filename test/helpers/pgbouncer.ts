import {spawn, spawnSync} from 'node:child_process'
import {chownSync, mkdirSync, writeFileSync} from 'node:fs'
import {connect as connectSocket} from 'node:net'
import {join} from 'node:path'
import {freePort, unprivileged} from './postgres18.js'

/** Null if PgBouncer is installed, else the reason why it cannot be used. */
export function noPgbouncer(): string | null {
  const {error} = spawnSync('pgbouncer', ['--version'])
  return error ? `PgBouncer is not installed (${error.message})` : null
}

/** A PgBouncer in transaction mode. With one server connection, the next client sees any state that was left on it. */
export async function startPgbouncer(
  directory: string,
  server: {host: string; port: number},
  poolSize = 1,
): Promise<{port: number; stop(): Promise<void>}> {
  const port = await freePort()
  const home = join(directory, 'pgbouncer')
  mkdirSync(home, {recursive: true})
  writeFileSync(join(home, 'users'), '"postgres" ""\n')
  writeFileSync(
    join(home, 'ini'),
    `[databases]\n* = host=${server.host} port=${server.port} user=postgres\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\nunix_socket_dir=\nauth_type=any\nauth_file=${home}/users\npool_mode=transaction\ndefault_pool_size=${poolSize}\nlogfile=\n`,
  )
  const asRoot = process.getuid?.() === 0
  if (asRoot)
    for (const path of [directory, home, join(home, 'users'), join(home, 'ini')])
      chownSync(path, unprivileged.uid, unprivileged.gid)
  const child = spawn('pgbouncer', ['-q', join(home, 'ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(asRoot && unprivileged),
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lastResort = () => child.kill('SIGKILL')
  process.on('exit', lastResort)
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt === 50 || child.exitCode !== null) throw new Error(`PgBouncer does not answer: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    port,
    async stop() {
      child.kill('SIGKILL')
      await ended
      process.off('exit', lastResort)
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
