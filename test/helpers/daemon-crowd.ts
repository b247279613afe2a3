import {setTimeout as sleep} from 'node:timers/promises'
import {directoryWith} from './files.js'
import {configOf, daemonIn, type DaemonProcess} from './daemon-process.js'

/** Starts the binary as a daemon on a database, with these jobs. */
export function startDaemon(
  url: string,
  jobs: Record<string, unknown>,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): DaemonProcess {
  return daemonIn(directoryWith({'qicore-db.config.yaml': configOf(url, jobs)}), flags, env)
}

/**
 * Several daemons on one database, of which one after the other is killed and started again, for so many seconds after
 * the first was ready: two of three at a random moment of their work, the third wherever it is, its start included.
 */
export async function rampage(
  size: number,
  start: () => DaemonProcess,
  seconds: number,
  random: () => number,
): Promise<{kills: number; crew: DaemonProcess[]}> {
  const crew = Array.from({length: size}, start)
  await Promise.race(crew.map((daemon) => daemon.event('ready')))
  const end = Date.now() + seconds * 1000
  let kills = 0
  while (Date.now() < end) {
    const index = Math.floor(random() * size)
    // A busy machine takes seconds to start one: killed only before that, none would ever do anything.
    if (random() < 2 / 3) await crew[index]!.event('ready')
    await sleep(200 + random() * 1_500)
    crew[index]!.child.kill('SIGKILL')
    await crew[index]!.ended
    kills += 1
    crew[index] = start()
  }
  return {kills, crew}
}
