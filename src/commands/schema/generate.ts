import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {engineFlag} from '../../cli/engine-flag.js'
import {ExitCode} from '../../errors.js'
import {command} from '../../units/command.js'

interface GenerateReport {
  kind: 'schema.generate'
  version: 1
  target: null
  at: string
  what: 'sql' | 'drizzle' | 'zod'
  files: {path: string; status: 'written' | 'same' | 'differs' | 'missing' | 'printed'}[]
}

export default class SchemaGenerate extends BaseCommand<typeof SchemaGenerate> {
  static override summary = 'Write SQL, a Drizzle module or zod schemas from the definitions of the tables.'
  static override description =
    "Uses QiCore's definitions, followed by the tables that the configuration describes. The same definitions " +
    'always give identical files. Without --out the files are printed. sql writes one file per engine; it ' +
    'requires the schema qicore, which migrate up installs.\n' +
    '--check writes nothing, and exits 3 if a file differs from what would be written.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> drizzle --out src/db',
    '<%= config.bin %> <%= command.id %> zod --out src/db --check',
    '<%= config.bin %> <%= command.id %> sql --tables config --engine postgres',
  ]
  static override args = {
    what: Args.string({description: 'sql, drizzle or zod', options: ['sql', 'drizzle', 'zod'], required: true}),
  }
  static override flags = {
    out: Flags.string({summary: 'Directory to write into; created if it does not exist.', helpValue: '<directory>'}),
    check: Flags.boolean({summary: 'Compare with the files of --out instead of writing them.', dependsOn: ['out']}),
    tables: Flags.option({
      options: ['all', 'qicore', 'config'] as const,
      default: 'all' as const,
      summary: 'Whose tables.',
    })(),
    engine: engineFlag('sql of this kind of engine only.'),
  }

  async run(): Promise<GenerateReport> {
    const {generatedFiles, settle} = await import('../../schema/generate-files.js')
    const {userTables, allDefinitions} = await import('../../schema/user-tables.js')
    const {qicore} = await import('../../qicore/definition.js')
    const {out, check, tables, engine} = this.flags
    const what = this.args.what as GenerateReport['what']
    const config = await this.loadConfig()
    const own = config?.tables ?? {}
    const definitions = {all: allDefinitions(own), qicore, config: userTables(own)}[tables]
    const files = await generatedFiles(what, definitions, engine)
    const report: GenerateReport = {
      kind: 'schema.generate',
      version: 1,
      target: null,
      at: new Date().toISOString(),
      what,
      files: [],
    }
    if (out === undefined) {
      report.files = files.map(({path}) => ({path, status: 'printed'}))
      if (!this.jsonEnabled()) this.logRaw(files.map(({text}) => text.trimEnd()).join('\n\n'))
      return report
    }
    report.files = settle(out, files, check ?? false)
    if (report.files.some(({status}) => status === 'differs' || status === 'missing')) {
      process.exitCode = ExitCode.found
      this.report(
        `These files differ from the definitions. Write them again: ${command('schema generate', [what], {out})}`,
      )
    }
    if (!this.jsonEnabled())
      this.log(
        report.files
          .map(({path, status}) => `${status === 'differs' || status === 'missing' ? '!' : ' '}${path}  ${status}`)
          .join('\n'),
      )
    return report
  }
}
