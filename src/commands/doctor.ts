import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../cli/report-command.js'
import {ExitCode} from '../errors.js'
import type {DoctorReport} from '../doctor/report.js'

export default class Doctor extends ReportCommand<typeof Doctor> {
  static override summary = 'What is wrong with this database, why, and the command that ends it.'
  static override description =
    `Runs checks on the condition of the database, its background workers, policies and jobs, chunks, aggregates, indexes, partitions, replication, settings, and known defects of the versions that are installed. Each check is CRITICAL, WARNING, UNKNOWN (with what is missing to know) or PASSED.
Reads only, waits for no lock, and needs nothing of ours in the database. With a table only the checks about tables run, for this table. Exits 3 by --fail-on.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> --only chunks,workers --fail-on critical',
    '<%= config.bin %> <%= command.id %> --skip hazards --json',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    all: Flags.boolean({summary: 'Also list the checks that passed.'}),
    only: Flags.string({
      multiple: true,
      delimiter: ',',
      summary: 'Only these checks or groups of checks.',
      helpValue: '<check or group>',
    }),
    skip: Flags.string({
      multiple: true,
      delimiter: ',',
      summary: 'Not these checks or groups of checks.',
      helpValue: '<check or group>',
    }),
    'fail-on': Flags.option({
      options: ['never', 'critical', 'warning', 'unknown'] as const,
      default: 'warning',
      summary: 'What makes the exit code 3: nothing, critical findings, also warnings, or also what is unknown.',
    })(),
  }

  static override tables() {
    return {'': async () => (await import('../doctor/table.js')).doctorTable}
  }

  async run(): Promise<DoctorReport> {
    const [
      {examine, selectChecks},
      {fails},
      {doctorTable},
      {readDeclared, timeUnitsOf},
      {sectionsOf},
      {reportTarget},
      {partitionRules},
    ] = await Promise.all([
      import('../doctor/examine.js'),
      import('../doctor/report.js'),
      import('../doctor/table.js'),
      import('../policies/read-declared.js'),
      import('../cli/policy-request.js'),
      import('../config/target.js'),
      import('../config/partitions.js'),
    ])
    const {table} = this.args
    const {all, only = [], skip = [], 'fail-on': failOn} = this.flags
    // Before anything is connected: a wrong name costs nothing.
    const checks = selectChecks({only, skip})
    const report = await this.withDatabase(async (db) => {
      const config = await this.loadConfig()
      const [declared, {lateAfter}] = [await readDeclared(db, sectionsOf(config)), await this.limits()]
      const partitions = (withDefinitions: boolean) => partitionRules(config, withDefinitions)
      const request = {table, declared, lateAfter, timeUnits: timeUnitsOf(declared), partitions}
      return {...(await examine(db, request, checks)), target: reportTarget(db)}
    })
    const failed = fails(report, failOn)
    process.exitCode = failed ? ExitCode.found : ExitCode.done
    const shown = await this.show(doctorTable, report, report.checks, async () =>
      (await import('../cli/render/doctor.js')).aroundDoctor(report, {all, failed, table: table ?? null}),
    )
    return {...report, checks: shown}
  }
}
