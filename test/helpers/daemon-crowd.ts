import {setTimeout as sleep} from 'node:timers/promises'
import {directoryWith} from './files.js'
import {configOf, daemonIn, type DaemonProcess} from './daemon-process.js'

/** Starts the binary as a daemon on a database with these jobs. */
export function startDaemon(
  url: string,
  jobs: Record<string, unknown>,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): DaemonProcess {
  return daemonIn(directoryWith({'qicore-db.config.yaml': configOf(url, jobs)}), flags, env)
}

/**
 * Several daemons on one database. One after another is killed and started again, for at least that many seconds after
 * the first was ready and at least that many times: two of three at a random moment of their work, the third at any
 * moment, including its start.
 */
export async function rampage(
  size: number,
  start: () => DaemonProcess,
  {seconds, kills: least}: {seconds: number; kills: number},
  random: () => number,
): Promise<{kills: number; daemons: DaemonProcess[]}> {
  const daemons = Array.from({length: size}, start)
  await Promise.race(daemons.map((daemon) => daemon.event('ready')))
  const end = Date.now() + seconds * 1000
  let kills = 0
  while (Date.now() < end || kills < least) {
    const index = Math.floor(random() * size)
    // A busy machine takes seconds to start one: if each were killed before that, none would ever do anything.
    if (random() < 2 / 3) await daemons[index]!.event('ready')
    await sleep(200 + random() * 1_500)
    daemons[index]!.child.kill('SIGKILL')
    await daemons[index]!.ended
    kills += 1
    daemons[index] = start()
  }
  return {kills, daemons}
}
