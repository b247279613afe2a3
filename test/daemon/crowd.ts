import {setTimeout as sleep} from 'node:timers/promises'
import {directoryWith} from '../helpers/files.js'
import {configOf, daemonIn, type DaemonProcess} from './process.js'

/** Starts the binary as a daemon on a database, with these jobs. */
export function startDaemon(url: string, jobs: Record<string, unknown>, flags: readonly string[] = [], env: Record<string, string> = {}): DaemonProcess {
  return daemonIn(directoryWith({'qicore-db.config.yaml': configOf(url, jobs)}), flags, env)
}

/** Several daemons on one database, of which one after the other is killed at a random moment and started again. */
export async function rampage(size: number, start: () => DaemonProcess, until: () => boolean, random: () => number): Promise<{kills: number; crew: DaemonProcess[]}> {
  const crew = Array.from({length: size}, start)
  let kills = 0
  while (!until()) {
    await sleep(200 + random() * 1_500)
    const index = Math.floor(random() * size)
    crew[index]!.child.kill('SIGKILL')
    await crew[index]!.ended
    kills += 1
    crew[index] = start()
  }
  return {kills, crew}
}
