import {spawn, type ChildProcess} from 'node:child_process'
import {join} from 'node:path'
import {root} from './build.js'

export interface DaemonProcess {
  child: ChildProcess
  /** Every line of its log so far. */
  lines: Record<string, unknown>[]
  stderr(): string
  /** Resolves with the first line of this event, including lines that were already written. */
  event(name: string, where?: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A configuration with only these jobs, whose single target is `test`. */
export function configOf(url: string, jobs: Record<string, unknown>): string {
  const none = Object.fromEntries(
    ['maintain', 'refresh', 'retain', 'partitions', 'prune-history', 'snapshot'].map((name) => [name, 'none']),
  )
  return JSON.stringify({version: 1, targets: {test: {url}}, jobs: {...none, ...jobs}})
}

/** A configuration of several targets that have the same jobs. */
export function fleetConfigOf(urls: Readonly<Record<string, string>>, jobs: Record<string, unknown>): string {
  const config = JSON.parse(configOf('', jobs)) as Record<string, unknown>
  return JSON.stringify({
    ...config,
    targets: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, {url}])),
  })
}

/** Starts the binary as a daemon in a directory, on the target `test` of the configuration unless flags select others. */
export function daemonIn(cwd: string, flags: readonly string[] = [], env: Record<string, string> = {}): DaemonProcess {
  const child = spawn(
    process.execPath,
    [
      join(root, 'bin/run.js'),
      'daemon',
      ...(flags.some((flag) => flag.endsWith('targets')) ? [] : ['--target', 'test']),
      ...(flags.includes('--listen') ? [] : ['--listen', 'off']),
      ...flags,
    ],
    {
      cwd,
      env: {PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  children.add(child)
  const lines: Record<string, unknown>[] = []
  const listeners = new Set<(line: Record<string, unknown>) => void>()
  let rest = ''
  let errors = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const part of parts) {
      const line = JSON.parse(part) as Record<string, unknown>
      lines.push(line)
      for (const listener of [...listeners]) listener(line)
    }
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => {
      children.delete(child)
      resolve(code ?? signal ?? 'unknown')
    }),
  )
  return {
    child,
    lines,
    stderr: () => errors,
    ended,
    event: (name, where = () => true) =>
      new Promise((resolve, reject) => {
        const wanted = (line: Record<string, unknown>) => line.event === name && where(line)
        const there = lines.find(wanted)
        if (there) return resolve(there)
        const listener = (line: Record<string, unknown>) => {
          if (!wanted(line)) return
          listeners.delete(listener)
          resolve(line)
        }
        listeners.add(listener)
        void ended.then((code) =>
          reject(
            new Error(
              `the daemon ended (${code}) before "${name}"\n${errors}\n${lines
                .slice(-5)
                .map((line) => JSON.stringify(line))
                .join('\n')}`,
            ),
          ),
        )
      }),
  }
}
