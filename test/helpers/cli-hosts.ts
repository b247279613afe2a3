import {spawn, type ChildProcess} from 'node:child_process'
import {fileURLToPath} from 'node:url'

/** One run of the program, as a host gets it. */
export interface HostedRun {
  args: readonly string[]
  env: Record<string, string>
  cwd: string
  /** Milliseconds after which the process is killed. */
  timeout: number
}

export interface Output {
  stdout: string
  stderr: string
  /** Null if a signal ended it. */
  exitCode: number | null
}

type FromHost = {kind: 'ready'} | {kind: 'released'} | {kind: 'ended'; exitCode: number; keeps: boolean}

const script = fileURLToPath(new URL('cli-host.mjs', import.meta.url))
const mark = '\u0004 end of the command \u0004'
let hosts: Host[] = []

/** A process in which cli-host.mjs runs one command after another. */
class Host {
  busy = true
  private readonly child: ChildProcess
  /** Whether it keeps an embedded engine open. */
  private keeps = false
  private readonly text = {stdout: '', stderr: ''}
  private ended: {exitCode: number | null} | null = null
  private readonly started: Promise<void>
  private onChange = () => {}

  constructor(env: Record<string, string>) {
    const child = spawn(process.execPath, [script], {env, stdio: ['ignore', 'pipe', 'pipe', 'ipc']})
    this.child = child
    // The test process may end although a host is still there, which then ends too.
    for (const handle of [child, child.channel, child.stdout, child.stderr]) (handle as {unref(): void}).unref()
    for (const name of ['stdout', 'stderr'] as const)
      child[name]!.setEncoding('utf8').on('data', (text: string) => {
        this.text[name] += text
        this.onChange()
      })
    this.started = new Promise((resolve) => {
      child.on('message', (message: FromHost) => {
        if (message.kind === 'ready') resolve()
        if (message.kind === 'released') this.keeps = false
        if (message.kind === 'ended') {
          this.ended = {exitCode: message.exitCode}
          this.keeps = message.keeps
        }
        this.onChange()
      })
      child.once('close', resolve)
    })
    child.once('close', (code) => {
      this.ended = {exitCode: code}
      this.keeps = false
      hosts = hosts.filter((other) => other !== this)
      this.onChange()
    })
  }

  private until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onChange = () => {
        if (condition()) resolve()
      }
      this.onChange()
    })
  }

  private get closed(): boolean {
    return !hosts.includes(this)
  }

  /** The output until the mark, or until the process ended by itself or by the timeout. */
  async run({timeout, ...run}: HostedRun): Promise<Output> {
    const {text} = this
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeout)
    await this.started
    this.ended = null
    if (!this.closed) this.child.send({kind: 'run', mark, ...run})
    const complete = () => this.ended !== null && text.stdout.endsWith(mark) && text.stderr.endsWith(mark)
    await this.until(() => this.closed || complete())
    clearTimeout(timer)
    const [stdout, stderr] = [text.stdout, text.stderr].map((whole) =>
      whole.endsWith(mark) ? whole.slice(0, -mark.length) : whole,
    ) as [string, string]
    text.stdout = text.stderr = ''
    this.busy = false
    return {stdout, stderr, exitCode: (this.ended as {exitCode: number | null} | null)?.exitCode ?? null}
  }

  /** Closes its engine if no command runs. */
  async release(): Promise<void> {
    if (this.busy || !this.keeps || this.closed) return
    this.busy = true
    this.child.send({kind: 'release'})
    await this.until(() => !this.keeps)
    this.busy = false
  }
}

/**
 * Runs a command in a free host, or in a new one: several at a time run in several hosts.
 * @param fixed environment that is read once per process, so that all runs must have it
 */
export async function runHosted(run: HostedRun, fixed: Record<string, string>): Promise<Output> {
  let host = hosts.find(({busy}) => !busy)
  if (host === undefined) hosts.push((host = new Host(fixed)))
  host.busy = true
  // An engine that another host keeps open would be in use.
  await releaseEngines()
  const output = await host.run(run)
  if (hosts.some(({busy}) => busy)) await host.release()
  return output
}

/** Closes the embedded engines that are open between two commands, before another process opens their directories. */
export async function releaseEngines(): Promise<void> {
  await Promise.all(hosts.map((host) => host.release()))
}
