import {Command, type Interfaces} from '@oclif/core'
import {ExitCode, OpsError} from '../errors.js'
import type {Config} from '../config/load.js'
import type {TargetConfig} from '../config/target-settings.js'
import type {ConnectOptions, Database, Target} from '../db/database.js'
import type {Plan} from '../run/step.js'
import type {Limits} from '../run/limits.js'
import type {LockWait} from '../run/lock-wait.js'
import {approximateSeconds, durationInWords} from '../units/duration.js'
import type {Needs} from './condition.js'
import type {ChangeFlags, ChangeMode, ChangeReport, RunOptions} from './change.js'
import {errorJson, translateError, type ErrorJson} from './command-error.js'
import {flagMessage} from './flag-error.js'
import {globalFlags} from './flags.js'
import {repeatTyped} from './given-flags.js'
import {withInvocation} from './invocation.js'
import {jsonDocument} from './json-instants.js'
import {nameTargetOfDaemon} from '../units/command.js'
import {canRewrite, stderrStatus} from './status-line.js'
import {fitWidth} from './render/text.js'
import {lineWidth, stderrWidth} from './terminal.js'

export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>

export type {ChangeFlags, ChangeReport, RunOptions}

export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true
  static override baseFlags = globalFlags

  protected flags!: FlagsOf<T>
  protected args!: ArgsOf<T>
  private config_: Config | null | undefined
  /** The database of this command; null before it is known. */
  private selected: Target | null = null
  /** Of the connected database; null before it is connected. */
  private condition: readonly string[] | null = null
  private wait: LockWait | null = null
  /** With --wait: lines already reported, which another attempt must not repeat. */
  private readonly reported = new Set<string>()

  override async init(): Promise<void> {
    await super.init()
    const {flags, baseFlags} = this.ctor as typeof BaseCommand
    if (!('targets' in {...flags, ...baseFlags}) && this.argv.some((word) => /^--(all-)?targets(=|$)/.test(word)))
      await (await import('./one-target.js')).refuseManyTargets(this.spacedId, this.argv)
    const parsed = await this.parse({
      flags,
      baseFlags,
      enableJsonFlag: this.ctor.enableJsonFlag,
      args: this.ctor.args,
      strict: this.ctor.strict,
    })
    this.flags = parsed.flags as FlagsOf<T>
    this.args = parsed.args as ArgsOf<T>
    await repeatTyped(this.flags)
  }

  /** Prints a line for people on stderr; also under --json, where stdout must be one document. */
  protected report(line: string): void {
    if (this.flags?.wait !== undefined) {
      if (this.reported.has(line)) return
      this.reported.add(line)
    }
    stderrStatus.print(withInvocation(line, process.stderr))
  }

  /** Prints the report for people on stdout, wrapped to the terminal; nothing under --json. */
  override log(text = ''): void {
    super.log(this.fitted(text))
  }

  /** The text as it is printed on stdout: wrapped to the terminal. */
  protected fitted(text: string): string {
    return fitWidth(withInvocation(text, process.stdout), lineWidth(process.stdout))
  }

  /** Prints SQL, YAML, CSV and the like on stdout without wrapping, because they are input for other programs. */
  protected logRaw(text: string): void {
    super.log(text)
  }

  /** Suppresses heading and progress. */
  protected get quiet(): boolean {
    return (this.flags as {quiet?: boolean}).quiet ?? false
  }

  /** Whether a person at a terminal can answer questions. */
  protected get interactive(): boolean {
    return Boolean(process.stdin.isTTY && process.stderr.isTTY) && !this.jsonEnabled()
  }

  /**
   * The wait for a lock of another process or session; shared by the whole command.
   * @param otherwise milliseconds to wait without --wait
   */
  protected async lockWait(otherwise = 0): Promise<LockWait> {
    const {lockWait} = await import('../run/lock-wait.js')
    const {wait} = this.flags
    const upTo = durationInWords(wait ?? {months: 0, days: 0, seconds: otherwise / 1000})
    const report = ({message}: OpsError) => this.quiet || this.report(`Waiting up to ${upTo}: ${message}`)
    if (wait === undefined) return lockWait(otherwise, report)
    this.wait ??= lockWait(approximateSeconds(wait) * 1000, report)
    return this.wait
  }

  /** Repeats work that fails because another process holds the lock (exit 5), until the time of --wait is over. */
  protected async whileLocked<R>(work: () => Promise<R>): Promise<R> {
    if (this.flags.wait === undefined) return work()
    const {whileLocked} = await import('../run/lock-wait.js')
    return whileLocked(await this.lockWait(), work)
  }

  /** The configuration with the settings of the target that this command selects, or null. */
  protected async loadConfig(): Promise<TargetConfig | null> {
    const [{configFor}, {selectedName}] = await Promise.all([
      import('../config/target-settings.js'),
      import('../config/target.js'),
    ])
    const config = await this.loadConfigFile()
    const {url, target} = this.flags
    const name =
      this.selected === null ? selectedName({url, target, changes: false}, process.env, config) : this.selected.name
    return configFor(config, name)
  }

  /** The configuration with the settings of all targets, or null. */
  protected async loadConfigFile(): Promise<Config | null> {
    if (this.config_ !== undefined) return this.config_
    const {findConfigFile, loadConfig} = await import('../config/load.js')
    const file = this.flags.config ?? findConfigFile(process.cwd())
    this.config_ = file === null ? null : await loadConfig(file)
    return this.config_
  }

  /** Selects the database of this command, without connecting. */
  protected async target(changes: boolean): Promise<Target> {
    const {resolveTarget} = await import('../config/target.js')
    const target = resolveTarget(
      {url: this.flags.url, target: this.flags.target, role: this.flags.role, changes},
      process.env,
      await this.loadConfigFile(),
      process.cwd(),
    )
    nameTargetOfDaemon(target.name)
    const {redact} = await import('../db/redact.js')
    if (target.source === '--url' && redact(target.url) !== target.url)
      this.report(
        'Warning: a password in --url is visible to all users in ps; use PGPASSFILE, PGPASSWORD or QICORE_DB_URL.',
      )
    return target
  }

  /**
   * Connects, reports the database and its condition on stderr, runs the work, and always closes the connection.
   * @param options `rows`: the result depends on row contents, so the command is refused if not all rows are readable
   */
  protected async withDatabase<R>(
    work: (db: Database) => Promise<R>,
    options: Partial<Needs> & {create?: boolean; target?: Target} = {},
  ): Promise<R> {
    // Loading and validating a configuration takes as long as everything loaded before.
    if (!this.quiet) stderrStatus.show('Reading the configuration …')
    try {
      const target = options.target ?? (await this.target(options.changes ?? false))
      this.selected = target
      const [
        {withDatabase, embeddedDirectory},
        {heading},
        {checkCondition, conditionLines},
        {nameCauses},
        {withUsableRole},
      ] = await Promise.all([
        import('../db/database.js'),
        import('./heading.js'),
        import('./condition.js'),
        import('../run/blockers.js'),
        import('../db/target-role.js'),
      ])
      const opened = async (db: Database) => {
        stderrStatus.clear()
        const width = stderrWidth()
        // Another attempt of --wait: the condition was already reported, with an earlier time.
        const known = this.flags.wait !== undefined && this.condition !== null
        if (!this.quiet && !known) this.report(heading(target, db.server, width))
        const exitCode = checkCondition(db.server, options)
        for (const line of conditionLines(db.server, width)) this.report(line)
        this.condition = db.server.condition.map(({code}) => code)
        if (exitCode !== ExitCode.done) process.exitCode = exitCode
        return nameCauses(db, this.doing, () => withUsableRole(db, options.changes ?? false, () => work(db)))
      }
      return await this.whileLocked(() => {
        this.sayOpening(embeddedDirectory(target.url))
        return withDatabase(target, this.connectOptions(options.create ?? false), opened)
      })
    } finally {
      stderrStatus.clear()
    }
  }

  /** Announces an operation of several seconds: on a terminal the line is removed afterwards; nothing under --json. */
  private sayOpening(directory: string | null): void {
    stderrStatus.clear()
    if (directory === null || this.quiet) return
    const line = `Opening the embedded database (takes a few seconds): ${directory} …`
    stderrStatus.show(line)
    if (!canRewrite(process.stderr) && !this.jsonEnabled()) this.report(line)
  }

  protected connectOptions(create: boolean): ConnectOptions {
    return {applicationName: `qicore-db/${this.spacedId}`, create}
  }

  /** The fields that every report starts with; the time is the server's clock, never the local one. */
  protected async reportHead(db: Database): Promise<{version: 1; target: string; at: string}> {
    return (await import('./report-head.js')).reportHead(db)
  }

  /**
   * The last part of every command that changes something: {@link changeDatabase}. Sets the exit code; prints the
   * report unless --json.
   */
  protected async confirmAndRun(
    db: Database,
    plan: Plan,
    flags: ChangeFlags,
    options: RunOptions = {},
  ): Promise<ChangeReport> {
    const [{changeDatabase}, mode] = await Promise.all([import('./change-database.js'), this.changeMode(flags)])
    const {report, exitCode} = await changeDatabase(db, plan, options, {
      ...mode,
      id: this.spacedId,
      lockWait: () => this.lockWait(),
    })
    process.exitCode = exitCode
    return report
  }

  /** How a change of the only database of this command asks, shows and stops. */
  protected async changeMode(flags: ChangeFlags): Promise<ChangeMode> {
    return {
      flags,
      interactive: this.interactive,
      json: this.jsonEnabled(),
      quiet: this.quiet,
      sql: (flags.sql ?? false) || !process.stdout.isTTY,
      limits: await this.limits(),
      print: (text) => this.log(text),
      printRaw: (text) => this.logRaw(text),
      report: (line) => this.report(line),
    }
  }

  /** The limits from flags, environment and configuration, with defaults for the others; times in milliseconds. */
  protected async limits() {
    const limits = (await this.limitsReader())(await this.loadConfig())
    // A step that another session blocks is retried for the time of --wait.
    return this.flags.wait === undefined ? limits : {...limits, blockedBudget: (await this.lockWait()).left()}
  }

  /**
   * The limits of a configuration, from flags and environment too. The function throws OpsError for a wrong variable.
   */
  protected async limitsReader(): Promise<(config: Config | null) => Limits> {
    const {limitsOf} = await import('../config/limits.js')
    const {accept: acceptedHazards} = this.flags as {accept?: string[]}
    return (config) => limitsOf(config, {lockTimeout: this.flags['lock-timeout'], acceptedHazards}, process.env)
  }

  /** oclif reads `oclif.exit` in text mode and `exitCode` under --json; any other error is converted once here. */
  protected override async catch(error: Error & {exitCode?: number; oclif?: {exit?: number}}): Promise<unknown> {
    const known =
      error instanceof OpsError || error.oclif?.exit !== undefined ? error : await translateError(error, this.doing)
    const exit = (known as {oclif?: {exit?: number}}).oclif?.exit
    if (typeof exit === 'number') (known as {exitCode?: number}).exitCode = exit
    known.message = flagMessage(known)
    return super.catch(known as Parameters<Command['catch']>[0])
  }

  /** The failed operation, for an error message. */
  protected get doing(): string {
    return `run ${this.spacedId}`
  }

  /** The name of the command, with spaces. */
  protected get spacedId(): string {
    return this.id?.replaceAll(':', ' ') ?? ''
  }

  /** Adds the condition of the database to every report, and formats its instants. */
  protected override toSuccessJson(result: unknown): unknown {
    return jsonDocument(result, this.condition)
  }

  protected override toErrorJson(error: unknown): ErrorJson {
    return errorJson(error, this.spacedId)
  }
}
