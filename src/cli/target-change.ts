import type {Command, Interfaces} from '@oclif/core'
import {ExitCode, usageError} from '../errors.js'
import type {SelectedTarget} from '../config/select-targets.js'
import {command} from '../units/command.js'
import {approximateSeconds} from '../units/duration.js'
import {BaseCommand, type FlagsOf} from './base-command.js'
import type {ChangeFlags} from './change.js'
import {asksForJsonLines, fleetChangeFlags, requestedChange} from './fleet-flags.js'
import type {ChangedTargets} from './fleet/change-targets.js'
import type {Changing} from './fleet/changing.js'
import type {FleetReport, NotStarted, TargetEntry} from './fleet/report.js'
import {globalFlags} from './flags.js'
import {interrupts} from './interrupts.js'
import {stderrStatus} from './status-line.js'

type Flags = Interfaces.InferredFlags<typeof fleetChangeFlags> & ChangeFlags

/** A change on many targets. */
type FleetChangeReport = FleetReport<TargetEntry | NotStarted>

const defaultTimeout = 600_000

/** A safe change of one database that can also be made on many targets. */
export abstract class TargetChange<T extends typeof Command, Report extends object> extends BaseCommand<T> {
  static override baseFlags = {...globalFlags, ...fleetChangeFlags}

  declare protected flags: FlagsOf<T> & Flags

  /** Loads what the command needs, and refuses wrong flags before a database is connected. */
  protected abstract changing(): Promise<Changing<Report>>

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || asksForJsonLines(this.argv)
  }

  protected override logJson(json: unknown): void {
    if (asksForJsonLines(this.argv)) process.stdout.write(`${JSON.stringify(json)}\n`)
    else super.logJson(json)
  }

  async run(): Promise<Report | FleetChangeReport | undefined> {
    const targets = requestedChange(this.flags)
    const changing = await this.changing()
    return targets === null ? this.changeOne(changing) : this.changeMany(targets, changing)
  }

  private async changeOne({changes, repairs, rows, create, prepare}: Changing<Report>): Promise<Report> {
    const {flags} = this
    const [target, {changeDatabase}] = await Promise.all([this.target(true), import('./change-database.js')])
    const config = await this.loadConfig()
    const work = prepare(config)
    return this.withDatabase(
      async (db) => {
        const mode = await this.changeMode(flags)
        const lockWait = (otherwise: number) => this.lockWait(otherwise)
        const {report, exitCode} = await work(db, {
          config,
          many: false,
          mode,
          lockWait,
          change: (plan, options = {}) =>
            changeDatabase(db, plan, options, {...mode, id: this.spacedId, lockWait: () => this.lockWait()}),
        })
        if (exitCode !== undefined) process.exitCode = exitCode
        return report
      },
      {target, changes, repairs, rows: rows ?? false, create: create ?? false},
    )
  }

  private async changeMany(
    requested: readonly string[] | 'all',
    changing: Changing<Report>,
  ): Promise<FleetChangeReport | undefined> {
    const [{selectTargets}, {parallelTargets}, {changeTargets}, {fleetReport, fleetExitCode}, config, limits] =
      await Promise.all([
        import('../config/select-targets.js'),
        import('../config/target-limits.js'),
        import('./fleet/change-targets.js'),
        import('./fleet/report.js'),
        this.loadConfigFile(),
        this.limitsReader(),
      ])
    const {flags} = this
    const parallel = flags.parallel ?? parallelTargets
    const selected = await selectTargets(config, {targets: requested, role: flags.role, parallel}, process.env)
    const canary = canaryOf(flags.canary, selected)
    const timeout = flags['target-timeout']
    let count = 0
    const progress = () => this.quiet || stderrStatus.show(`${count} of ${selected.length} targets are complete …`)
    progress()
    const signals = interrupts((line) => this.report(line))
    const lines = await changeTargets(selected, changing, {
      id: this.spacedId,
      args: this.given,
      flags,
      applicationName: this.connectOptions(false).applicationName,
      parallel,
      timeout: timeout === undefined ? defaultTimeout : approximateSeconds(timeout) * 1000,
      canary,
      stopAfter: flags['stop-after'] ?? 1,
      limits,
      signals,
      done: (line) => {
        count += 1
        progress()
        if (flags.jsonl) this.printLine(line)
      },
      env: process.env,
    }).finally(() => {
      stderrStatus.clear()
      signals.release()
    })
    const codes = lines.flatMap(({exitCode}) => (exitCode === null ? [] : [exitCode]))
    process.exitCode = signals.stop.aborted ? ExitCode.interrupted : fleetExitCode(codes)
    if (flags.jsonl) {
      for (const line of lines) if (line.exitCode === null) this.printLine(line)
      return undefined
    }
    const report = fleetReport(this.kind, lines.map(entryOf), {changes: true})
    if (!this.jsonEnabled()) await this.showMany(lines, report)
    return report
  }

  private printLine(line: ChangedTargets[number]): void {
    this.logJson({kind: 'fleet.target', version: 1, of: this.kind, ...entryOf(line)})
  }

  private async showMany(lines: ChangedTargets, report: FleetChangeReport): Promise<void> {
    const [{closingLine}, {changeTable, isNotStarted, stepsText, worstFirst}, {renderReport}, {summaryText}, terminal] =
      await Promise.all([
        import('./render/shown.js'),
        import('./fleet/change-table.js'),
        import('./render/report.js'),
        import('./render/fleet.js'),
        import('./terminal.js'),
      ])
    const dryRun = this.flags['dry-run']
    if (this.flags.sql) for (const line of lines) if (!isNotStarted(line) && line.sql !== '') this.logRaw(line.sql)
    const rows = worstFirst(lines)
    const steps = dryRun
      ? `Dry run: ${stepsText(lines, ({steps}) => steps ?? 0)} to do, nothing changed.`
      : `${stepsText(lines, ({done}) => done)} done.`
    const failed = rows[0]!.exitCode !== null && rows[0]!.exitCode !== 0 ? rows[0]!.target : null
    const rest = lines.some(isNotStarted) ? ['The same command continues with the others.'] : []
    const next = failed === null ? [] : [`The worst: ${command(this.spacedId, this.given, {target: failed})}`]
    const below = [closingLine([summaryText(report), steps, ...rest], next)]
    const shown = {table: changeTable, context: {at: report.at ?? '', dryRun}, rows, below}
    const text = renderReport(shown, {...terminal.terminal(), headers: true})
    if (this.flags.sql) this.report(text)
    else this.log(text)
  }

  /** The kind of the reports. */
  private get kind(): string {
    return this.spacedId.replaceAll(' ', '.')
  }

  /** The arguments as given. */
  private get given(): string[] {
    return Object.values(this.args as Record<string, unknown>).filter((each) => typeof each === 'string')
  }
}

/** @throws OpsError NO_SUCH_TARGET */
function canaryOf(name: string | undefined, selected: readonly {name: string; target?: SelectedTarget['target']}[]) {
  if (name === undefined) return null
  if (selected.some((each) => each.name === name)) return name
  throw usageError('NO_SUCH_TARGET', `--canary ${name} is not one of the selected targets.`, [
    `Selected targets: ${selected.map((each) => each.name).join(', ')}.`,
  ])
}

/** The entry of the JSON document. */
function entryOf(line: ChangedTargets[number]): FleetChangeReport['targets'][number] {
  if (line.exitCode === null) return line
  const {target, labels, exitCode, ms, report, error} = line
  return {target, labels, exitCode, ms, ...(error === undefined ? {report} : {error})}
}
