import type {Command, Interfaces} from '@oclif/core'
import type {FlagsOf} from './base-command.js'
import {asksForJsonLines, fleetFlags, requestedTargets} from './fleet-flags.js'
import type {ServerWorkers, WorkerShare} from '../db/server-workers.js'
import type {Selected} from './fleet/on-targets.js'
import type {FleetReport} from './fleet/report.js'
import type {Reading} from './fleet/reading.js'
import type {FleetLine} from './fleet/tables.js'
import {ReportCommand} from './report-command.js'
import {stderrStatus} from './status-line.js'
import {approximateSeconds, type Duration} from '../units/duration.js'
import {command} from '../units/command.js'

type Flags = Interfaces.InferredFlags<typeof fleetFlags> & {watch?: boolean; every?: Duration}

/** A report or check about one database that can also read many targets. */
export abstract class TargetReport<T extends typeof Command, Read, Report extends object> extends ReportCommand<T> {
  static override baseFlags = {...ReportCommand.baseFlags, ...fleetFlags}

  declare protected flags: FlagsOf<T> & Interfaces.InferredFlags<(typeof ReportCommand)['baseFlags']> & Flags

  /** `kind` of the report. */
  protected abstract readonly kind: string

  /** Loads what the command needs, and refuses wrong flags before a database is connected. */
  protected abstract reading(): Promise<Reading<Read, Report>>

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || asksForJsonLines(this.argv)
  }

  protected override logJson(json: unknown): void {
    if (asksForJsonLines(this.argv)) process.stdout.write(`${JSON.stringify(json)}\n`)
    else super.logJson(json)
  }

  async run(): Promise<Report | FleetReport | undefined> {
    const flags: Flags = this.flags
    const targets = requestedTargets(flags)
    const reading = await this.reading()
    if (targets !== null) return this.readMany(targets, reading)
    const limitsOf = await this.limitsReader()
    return this.watched(
      {watch: flags.watch ?? false, every: flags.every},
      async (db) => {
        const config = await this.loadConfig()
        return {read: await reading.read(db, {config, limits: () => limitsOf(config)}), server: db.server}
      },
      async ({read, server}) => {
        const exitCode = reading.exitCode?.(read)
        if (exitCode !== undefined) process.exitCode = exitCode
        return reading.show(read, (table, context, rows, around) => this.show(table, context, rows, around), {
          server,
          report: (line) => this.report(line),
        })
      },
      {rows: reading.rows ?? false},
    )
  }

  private async readMany(
    requested: readonly string[] | 'all',
    reading: Reading<Read, Report>,
  ): Promise<FleetReport | undefined> {
    const [
      {selectTargets},
      {parallelTargets, targetTimeout},
      {readReports},
      {fleetReport, fleetExitCode},
      config,
      limits,
    ] = await Promise.all([
      import('../config/select-targets.js'),
      import('../config/target-limits.js'),
      import('./fleet/read-reports.js'),
      import('./fleet/report.js'),
      this.loadConfigFile(),
      this.limitsReader(),
    ])
    const flags: Flags = this.flags
    const parallel = flags.parallel ?? parallelTargets
    const given = flags['target-timeout']
    const timeout = given === undefined ? targetTimeout : approximateSeconds(given) * 1000
    const selected = await selectTargets(
      config,
      {targets: requested, role: this.flags.role, parallel, timeout},
      process.env,
    )
    const progress = (count: number) =>
      this.quiet || stderrStatus.show(`${count} of ${selected.length} targets have been read …`)
    let count = 0
    progress(count)
    const lines = await readReports(selected, reading, {
      id: this.spacedId,
      applicationName: this.connectOptions(false).applicationName,
      parallel,
      rows: reading.rows ?? false,
      timeout,
      limits,
      listed: (table, rows) => this.listed(table, rows),
      sentences: !this.jsonEnabled(),
      done: (line) => {
        progress((count += 1))
        if (flags.jsonl) this.logJson({kind: 'fleet.target', version: 1, of: this.kind, ...entryOf(line)})
      },
      env: process.env,
    }).finally(() => stderrStatus.clear())
    process.exitCode = fleetExitCode(
      lines.map(({exitCode}) => exitCode),
      flags['fail-on-unreachable'] === 'never',
    )
    const servers = reading.workers ? await serversOf(lines, selected) : undefined
    const report = fleetReport(this.kind, lines.map(entryOf), {servers})
    if (flags.jsonl) {
      for (const server of servers ?? []) this.logJson({kind: 'fleet.server', version: 1, of: this.kind, ...server})
      return undefined
    }
    if (!this.jsonEnabled()) await this.showMany(lines, report)
    return report
  }

  private async showMany(lines: readonly FleetLine[], report: FleetReport): Promise<void> {
    const [{closingLine, notes}, {fleetTable, withTargets, worstFirst}, {serverLines, summaryText}] = await Promise.all(
      [import('./render/shown.js'), import('./fleet/tables.js'), import('./render/fleet.js')],
    )
    const context = {at: report.at ?? ''}
    const summary = summaryText(report)
    const sorted = worstFirst(lines)
    const servers = serverLines(report.servers ?? [])
    const unread = lines.flatMap(({target, error}) => (error === undefined ? [] : [`${target}: ${error.message}`]))
    const table = lines.find(({shown}) => shown !== null)?.shown?.table
    if (this.format === 'table' && !this.flags.tables) {
      const next = [
        ...(table === undefined ? [] : ['--tables shows all rows.']),
        ...(sorted[0]?.exitCode === 0
          ? []
          : [`The worst: ${command(this.spacedId, this.given, {target: sorted[0]!.target})}`]),
      ]
      await this.print(
        {table: fleetTable, context, rows: sorted, below: [...servers, closingLine([summary], next)]},
        sorted.length,
      )
      return
    }
    const all = withTargets(table ?? {columns: []})
    const rows = await this.sorted(
      all,
      lines.flatMap(({shown}) => shown?.rows ?? []),
    )
    await this.print(
      {table: all, context, rows, below: [...notes(unread, '!'), ...servers, closingLine([summary])]},
      rows.length,
    )
  }

  /** The arguments as given. */
  private get given(): string[] {
    return Object.values(this.args as Record<string, unknown>).filter((each) => typeof each === 'string')
  }
}

/** The workers of each server on which a target was read. */
async function serversOf(lines: readonly FleetLine[], selected: readonly Selected[]): Promise<ServerWorkers[]> {
  const [{serverOf}, {serverWorkers}] = await Promise.all([
    import('../config/target-limits.js'),
    import('../db/server-workers.js'),
  ])
  const byServer = new Map<string, {target: string; share: WorkerShare}[]>()
  for (const each of selected) {
    const share = lines.find(({target}) => target === each.name)?.share ?? null
    if ('error' in each || share === null) continue
    const server = serverOf(each.name, each.target, process.env)
    byServer.set(server, [...(byServer.get(server) ?? []), {target: each.name, share}])
  }
  return [...byServer].flatMap(([server, shares]) => serverWorkers(server, shares) ?? [])
}

/** The entry of the JSON document. */
function entryOf({target, labels, exitCode, ms, report, error}: FleetLine): FleetReport['targets'][number] {
  return {target, labels, exitCode, ms, ...(error === undefined ? {report} : {error})}
}
