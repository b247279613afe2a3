import {existsSync} from 'node:fs'
import {Flags} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import {targetsFlags} from '../cli/fleet-flags.js'
import {durationFlag} from '../cli/flags.js'
import type {TargetsRequest} from '../daemon/read-targets.js'
import {ExitCode} from '../errors.js'
import {repeatInCommands} from '../units/command.js'
import {approximateSeconds, type Duration} from '../units/duration.js'

export default class Daemon extends BaseCommand<typeof Daemon> {
  static override summary = 'Run the scheduled jobs in the foreground and record every due time.'
  static override description =
    'The ledger in the database (qicore.maintenance_log) decides what is due, not timers, so restarts, outages, ' +
    'clock changes and suspended machines leave no gap and no duplicate. Any number of daemons on one database ' +
    'share the work. Without jobs in the configuration it maintains declared tables only; on a database without ' +
    'declared tables it only observes.\n' +
    'Prints one JSON object per line (--pretty for people); --listen serves health, metrics and a page about ' +
    'the database (docs/daemon.md). On SIGTERM or SIGINT it gives running steps --grace to finish, releases the ' +
    'rest and exits 0; a second signal ends it at once (130). With --targets or --all-targets one process ' +
    'maintains several databases; SIGHUP reads the configuration again.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --target local --pretty',
    '<%= config.bin %> <%= command.id %> --target prod --listen 0.0.0.0:9847',
    '<%= config.bin %> <%= command.id %> --all-targets --workers 8',
  ]
  static override enableJsonFlag = false
  static override flags = {
    ...targetsFlags,
    pretty: Flags.boolean({summary: 'Lines for people instead of JSON.'}),
    listen: Flags.string({
      summary: 'Address of the page, /healthz, /readyz and /metrics, or off.',
      default: '127.0.0.1:9847',
      helpValue: '<host:port>',
    }),
    'token-file': Flags.string({
      summary: 'File with the token that the page requires (or QICORE_DAEMON_TOKEN).',
      helpValue: '<file>',
    }),
    workers: Flags.integer({
      summary: 'How many jobs of all targets may run at the same time.',
      default: 4,
      min: 1,
      max: 64,
      helpValue: '<n>',
    }),
    grace: durationFlag({summary: 'How long running steps may take to finish after SIGTERM (30s).'}),
    lease: durationFlag({summary: 'Time without a heartbeat after which other daemons reclaim its work (60s).'}),
    poll: durationFlag({summary: 'How often it reads the ledger when nothing is due (30s).'}),
    'log-level': Flags.option({
      summary: 'Lowest logged level.',
      options: ['debug', 'info', 'warn', 'error'] as const,
      default: 'info' as const,
    })(),
  }

  /** Applies --wait before the daemon listens for signals, so that a signal ends the wait immediately. */
  private async waitForDirectory(url: string): Promise<void> {
    const [{embeddedDirectory}, {lockDirectory}] = await Promise.all([
      import('../db/database.js'),
      import('../db/embedded-directory.js'),
    ])
    const directory = embeddedDirectory(url)
    if (directory !== null && existsSync(directory))
      await this.whileLocked(async () => (await lockDirectory(directory, {command: 'qicore-db/daemon'}))())
  }

  private request(): TargetsRequest {
    const {flags} = this
    const several = flags['all-targets'] ? ('all' as const) : (flags.targets ?? null)
    return {
      targets: several,
      url: flags.url,
      target: flags.target,
      role: flags.role,
      config: flags.config,
      limits: {lockTimeout: flags['lock-timeout']},
      env: process.env,
      directory: process.cwd(),
    }
  }

  async run(): Promise<void> {
    const {flags} = this
    const request = this.request()
    const [{readTargets}, {parseListen}, {readToken}] = await Promise.all([
      import('../daemon/read-targets.js'),
      import('../daemon/listen.js'),
      import('../daemon/access.js'),
    ])
    // Warns of a password in --url.
    const target = request.targets === null ? await this.target(true) : null
    const targets = await readTargets(request)
    if (target !== null && flags.wait !== undefined) await this.waitForDirectory(target.url)
    const listen = parseListen(flags.listen)
    const token = readToken(flags['token-file'], process.env)
    const [{runDaemon}, {collectLines}, {exitNow}, {listened}, {fitWidth}, {lineWidth}] = await Promise.all([
      import('../daemon/run.js'),
      import('../daemon/collect-lines.js'),
      import('../cli/exit-now.js'),
      import('../cli/early-signals.js'),
      import('../cli/render/text.js'),
      import('../cli/terminal.js'),
    ])
    const ms = (duration: Duration | undefined, otherwise: number) =>
      duration === undefined ? otherwise : approximateSeconds(duration) * 1000
    // From here on commands are written to the log and the ledger, which are read on other machines.
    repeatInCommands({})
    const lines = collectLines((text) => void process.stdout.write(text))
    // Also after a second signal or an exception.
    process.once('exit', () => lines.flush())
    process.exitCode = await runDaemon({
      targets,
      several: request.targets !== null,
      readTargets: () => readTargets(request),
      listen,
      token,
      version: this.config.version,
      pretty: flags.pretty,
      write: (line) => lines.write(flags.pretty ? fitWidth(line, lineWidth(process.stdout)) : line),
      level: flags['log-level'],
      workers: flags.workers,
      grace: ms(flags.grace, 30_000),
      lease: ms(flags.lease, 60_000) / 1000,
      poll: ms(flags.poll, 30_000),
      actor: (await import('../cli/actor.js')).actorOf,
      onListening: listened,
      secondSignal: async () => exitNow(ExitCode.interrupted),
    })
    lines.flush()
    // Only sockets that the server does not close can remain open now, and nothing waits for them.
    const code = process.exitCode
    setTimeout(() => exitNow(code), 500).unref()
  }
}
